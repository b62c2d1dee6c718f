package loopback_test

import (
	"testing"

	"github.com/edgeauth/edgeauth/internal/loopback"
)

func TestLoopback(t *testing.T) {
	for _, row := range []struct {
		host              string
		isHost, isAddress bool
	}{
		{"127.0.0.1", true, true},
		{"127.255.255.254", true, true},
		{"::1", true, true},
		{"localhost", true, false},

		{"", false, false},
		{"LOCALHOST", false, false},
		{"localhost.", false, false},
		{"localhost.example.com", false, false},
		{"127.0.0.1.example.com", false, false},
		{"127.1", false, false},
		{"0127.0.0.1", false, false},
		{"2130706433", false, false},
		{"[::1]", false, false},
		{"127.0.0.1:80", false, false},
		{"128.0.0.1", false, false},
		{"0.0.0.0", false, false},
		{"::", false, false},
		{"10.0.0.1", false, false},
	} {
		if got := loopback.IsHost(row.host); got != row.isHost {
			t.Errorf("IsHost(%q) = %v", row.host, got)
		}
		if got := loopback.IsAddress(row.host); got != row.isAddress {
			t.Errorf("IsAddress(%q) = %v", row.host, got)
		}
	}
}
