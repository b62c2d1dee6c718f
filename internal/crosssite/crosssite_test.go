package crosssite_test

import (
	"errors"
	"testing"

	"github.com/edgeauth/edgeauth/internal/crosssite"
)

func TestAllowed(t *testing.T) {
	origins := []string{"https://app.example.com"}
	for _, row := range []struct {
		name, fetchSite, origin string
		want                    bool
	}{
		{"our own page", "same-origin", "https://api.example.com", true},
		{"our own page, no Origin", "same-origin", "", true},
		{"a listed page", "same-site", "https://app.example.com", true},
		{"a listed page on another site", "cross-site", "https://app.example.com", true},
		{"a listed page in an old browser", "", "https://app.example.com", true},
		{"neither header", "", "", false},
		{"a neighbour", "same-site", "https://evil.example.com", false},
		{"a stranger", "cross-site", "https://evil.example", false},
		{"typed or started by another program", "none", "", false},
		{"a sandboxed frame", "cross-site", "null", false},
		{"a port beside the listed one", "same-site", "https://app.example.com:8443", false},
		{"the listed host over http", "cross-site", "http://app.example.com", false},
		{"a longer host", "cross-site", "https://app.example.com.evil.example", false},
		{"capitals", "Same-Origin", "", false},
		{"two values", "same-origin, cross-site", "", false},
	} {
		if got := crosssite.Allowed(row.fetchSite, row.origin, origins); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	if crosssite.Allowed("", "", []string{""}) {
		t.Error("no Origin is on a list with an empty entry")
	}
}

func TestSafe(t *testing.T) {
	for method, want := range map[string]bool{
		"GET": true, "HEAD": true, "OPTIONS": true,
		"POST": false, "PUT": false, "PATCH": false, "DELETE": false, "TRACE": false, "get": false, "": false,
	} {
		if crosssite.Safe(method) != want {
			t.Errorf("%q", method)
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://app.example.com":      true,
		"https://app.example.com:8443": true,
		"http://localhost:5173":        true,
		"http://127.0.0.1:8080":        true,
		"http://[::1]:8080":            true,

		"":                             false,
		"null":                         false,
		"*":                            false,
		"https://*.example.com":        false,
		"app.example.com":              false,
		"https://":                     false,
		"https://app.example.com/":     false,
		"https://app.example.com/x":    false,
		"https://app.example.com?":     false,
		"https://app.example.com#":     false,
		"https://app.example.com:":     false,
		"https://app.example.com:443":  false,
		"http://localhost:80":          false,
		"https://App.example.com":      false,
		"https://u@app.example.com":    false,
		"http://app.example.com":       false,
		"http://localhost.example.com": false,
		"ftp://app.example.com":        false,
		" https://app.example.com":     false,
	} {
		if err := crosssite.CheckOrigin(text); (err == nil) != ok || err != nil && !errors.Is(err, crosssite.ErrOrigin) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
