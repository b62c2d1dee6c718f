package login_test

import (
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// The numbers in the documentation.
func TestMostOfTheDefaults(t *testing.T) {
	limits := login.DefaultLimits()
	for _, row := range []struct {
		name      string
		limit     throttle.Limit
		hour, day int
	}{
		{"account", limits.Account, 31, 123},
		{"device", limits.Device, 46, 322},
		{"network", *limits.Network, 269, 4041},
		{"account, an hour at most", throttle.Limit{Free: 5, Delay: time.Second, MaxDelay: time.Hour, Window: 24 * time.Hour}, 31, 55},
	} {
		hour, day := row.limit.Most(time.Hour), row.limit.Most(24*time.Hour)
		if hour != row.hour || day != row.day {
			t.Errorf("%s: %d an hour, %d a day", row.name, hour, day)
		}
	}
}

func TestLimitsSayWhatIsAllowed(t *testing.T) {
	if err := login.DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
	for _, row := range []struct {
		change func(*login.Limits)
		want   []string
	}{
		{func(l *login.Limits) { l.Network = nil }, nil},
		{func(l *login.Limits) { l.Account.Free = 0 }, []string{"account", "Free is 0", "want 1 to 1000"}},
		{func(l *login.Limits) { l.Device.Free = 1001 }, []string{"device", "Free is 1001", "want 1 to 1000"}},
		{func(l *login.Limits) { l.Network.Delay = time.Millisecond }, []string{"network", "Delay is 1ms", "want 1s to MaxDelay"}},
		{func(l *login.Limits) { l.Account.Delay = time.Hour }, []string{"account", "Delay is 1h0m0s", "MaxDelay, which is 15m0s"}},
		{func(l *login.Limits) { l.Network.MaxDelay = 2 * time.Hour }, []string{"network", "MaxDelay is 2h0m0s", "at most Window"}},
		{func(l *login.Limits) { l.Account.Window = 8 * 24 * time.Hour }, []string{"account", "Window is 192h0m0s", "want 1m0s to 168h0m0s"}},
		{func(l *login.Limits) { l.Account, l.Device = throttle.Limit{}, throttle.Limit{} }, []string{"account", "device"}},
	} {
		limits := login.DefaultLimits()
		row.change(&limits)
		err := limits.Validate()
		if (err == nil) != (row.want == nil) {
			t.Errorf("%+v: %v", limits, err)
			continue
		}
		for _, want := range row.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
	}
}
