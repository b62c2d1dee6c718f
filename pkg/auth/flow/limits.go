package flow

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Limits hold the limits of mails, in three classes whose counters do not touch each other, so that a
// stranger never uses up the mails of an owner; see [DefaultLimits].
type Limits struct {
	// Device limits the mails for a user on a known device of theirs. A stranger cannot reach this
	// counter.
	Device throttle.Limit
	// Address limits the mails for one address without a known device: logins and resets on one
	// counter, sign-ups on another.
	Address throttle.Limit
	// Budget limits the sign-ups of the deployment.
	Budget throttle.Limit
	// Network limits the requests from one /32 of IPv4 or /64 of IPv6, without those of a known device
	// that has mails left, and Site those from one /48 of IPv6. nil means no limit, for deployments
	// whose gateway sees the addresses of a CDN.
	Network, Site *throttle.Limit
}

// mostFlows bounds the flows of one address in any 24 hours: with three tries each, a botnet hits a
// code with a probability below 1e-6.
const mostFlows = 33

// DefaultLimits returns the limits of a deployment without configuration.
//
// Address: 15 mails a day, and at most 30 in any 24 hours. With three tries for each flow, all
// networks of the world together hit a code of the address with a probability of at most 9e-7 in 24
// hours, and 4.5e-7 a day on average. Nine of the 15 are kept for sites that have asked for no mail
// that day, one each. So nine networks that ask for mails all day leave one for the owner on a new
// device. A code that is used gives its mail back, so an owner who logs in by codes does not run out.
//
// Device: an owner on a known device has 15 mails of their own, which no stranger can reach.
//
// Budget: 500 sign-ups an hour, of which half is kept for sites without an earlier one in that hour.
// If it is used up, logins and resets go on.
//
// Network and Site: as those of logins, for fewer requests, because each may send a mail.
func DefaultLimits() Limits {
	return Limits{
		Device:  Once(15, 0, 24*time.Hour),
		Address: Once(15, 9, 24*time.Hour),
		Budget:  Once(500, 250, time.Hour),
		Network: &throttle.Limit{Free: 30, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour},
		Site:    &throttle.Limit{Free: 300, Delay: time.Second, MaxDelay: 10 * time.Second, Window: time.Hour},
	}
}

// Once returns a limit of mails: n in a window, of which reserve are kept for sites without an earlier
// one.
func Once(n, reserve int, window time.Duration) throttle.Limit {
	return throttle.Limit{Free: n, Reserve: reserve, Delay: window, MaxDelay: window, Window: window}
}

// Validate returns an error for each limit that is out of range. It refuses a limit of an address, or
// of a device, that would allow too many guesses at a code.
func (ls Limits) Validate() error {
	var errs []error
	check := func(name string, l *throttle.Limit, most int) {
		if l == nil {
			return
		}
		err := l.Validate()
		if err == nil && most > 0 && l.Most(24*time.Hour) > most {
			err = fmt.Errorf("attempts in any 24 hours are %d (want at most %d)", l.Most(24*time.Hour), most)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("flow: the %s limit's %w", name, err))
		}
	}
	check("device", &ls.Device, mostFlows)
	check("address", &ls.Address, mostFlows)
	check("budget", &ls.Budget, 0)
	check("network", ls.Network, 0)
	check("site", ls.Site, 0)
	return errors.Join(errs...)
}
