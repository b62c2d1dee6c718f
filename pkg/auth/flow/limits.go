package flow

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Limits holds the limits of mails and of requests; see [DefaultLimits]. The three classes of mails
// have separate counters, so that a stranger never uses up the mails of an owner.
type Limits struct {
	// Device limits the mails to a user who asks from a known device. A stranger cannot reach this
	// counter.
	Device throttle.Limit
	// Address limits the mails to one address without a known device. Logins and resets share a
	// counter, and sign-ups have another.
	Address throttle.Limit
	// Budget limits the sign-ups of the deployment.
	Budget throttle.Limit
	// Network limits the requests from one /32 of IPv4 or /64 of IPv6, and Site the requests from
	// one /48 of IPv6. A known device with mails left does not count on them. nil means no limit,
	// for deployments whose gateway sees the addresses of a CDN.
	Network, Site *throttle.Limit
}

// mostFlows bounds the flows of one address in any 24 hours. With three tries for each flow, a
// botnet guesses a code with a probability below 1e-6.
const mostFlows = 33

// DefaultLimits returns the limits of a deployment without configuration.
//
// Address: 15 mails a day, and at most 30 in any 24 hours. With three tries for each flow, all
// networks of the world together guess a code of the address with a probability of at most 9e-7 in
// 24 hours, and 4.5e-7 a day on average. Nine of the 15 are reserved for sites that have asked for
// no mail that day, one for each site. So nine networks that ask for mails all day leave one mail
// for the owner on a new device. A used code releases its mail, so an owner who logs in by codes
// does not run out.
//
// Device: an owner on a known device has 15 mails that no stranger can reach.
//
// Budget: 500 sign-ups an hour. Half of them are reserved for sites without an earlier sign-up in
// that hour. If the budget is used up, logins and resets continue.
//
// Network and Site: like the limits of logins, but lower, because each request may send a mail.
func DefaultLimits() Limits {
	return Limits{
		Device:  Once(15, 0, 24*time.Hour),
		Address: Once(15, 9, 24*time.Hour),
		Budget:  Once(500, 250, time.Hour),
		Network: &throttle.Limit{Free: 30, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour},
		Site:    &throttle.Limit{Free: 300, Delay: time.Second, MaxDelay: 10 * time.Second, Window: time.Hour},
	}
}

// Once returns a limit of n mails in a window, of which reserve are kept for sites without an
// earlier mail in the window.
func Once(n, reserve int, window time.Duration) throttle.Limit {
	return throttle.Limit{Free: n, Reserve: reserve, Delay: window, MaxDelay: window, Window: window}
}

// Validate returns an error for each limit that is out of range, and for a limit of an address or
// of a device that would allow too many guesses at a code.
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
