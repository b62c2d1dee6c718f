package login

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Limits are the limits of a Throttle.
type Limits struct {
	Account throttle.Limit // logins to one e-mail that bring no device known for it
	Device  throttle.Limit // logins that bring one known device
	// Network limits logins from one /32 or /64; nil is none, which is for deployments whose gateway sees the addresses
	// of a CDN. An account's counter then does not tell networks apart either.
	Network *throttle.Limit
	// Site limits logins from one /48 of IPv6; nil is none.
	Site *throttle.Limit
}

// DefaultLimits returns the limits of a deployment that configures none.
//
// Account: a handful of typing errors costs nothing, the next a second. From then on the wait doubles up to a
// quarter of an hour: 109 guesses in a window, 123 in the worst 24 hours. NIST SP 800-63B-4, section 3.2.2, allows no
// more than 100 consecutive failures before the authenticator is disabled, and suggests waits that grow from 30 seconds
// up to an hour on the way there. These limits grow and never disable: the OWASP Authentication Cheat Sheet warns that a
// lock is a stranger's way to keep an owner out. A deployment that must meet the 100 sets MaxDelay to an hour (55 in the
// worst 24 hours) and disables accounts by the audit log.
//
// Device: its holder has once known the password, so it is a person who forgot it or a thief of the device: more
// tries, shorter waits, 322 in the worst 24 hours. Counting them apart is what OWASP describes as device cookies.
//
// Network: an office, a school or a carrier may stand behind one address, and good logins give their slot back. A
// hundred failures an hour are more than people make; then one a minute remains, so that no user there is shut out. It
// stops one machine from trying one password on each of many accounts; many machines meet the account's limit.
//
// Site: a tenant of a data centre gets a /48 with 65,536 networks. A mobile carrier may have as many subscribers there,
// so a site is granted ten times as much as a network.
func DefaultLimits() Limits {
	return Limits{
		Account: throttle.Limit{Free: 5, Delay: time.Second, MaxDelay: 15 * time.Minute, Window: 24 * time.Hour},
		Device:  throttle.Limit{Free: 10, Delay: time.Second, MaxDelay: 5 * time.Minute, Window: 24 * time.Hour},
		Network: &throttle.Limit{Free: 100, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour},
		Site:    &throttle.Limit{Free: 1000, Delay: time.Second, MaxDelay: 10 * time.Second, Window: time.Hour},
	}
}

// Validate returns an error for each limit that is out of its bounds.
func (ls Limits) Validate() error {
	named := []struct {
		name  string
		limit *throttle.Limit
	}{{"account", &ls.Account}, {"device", &ls.Device}, {"network", ls.Network}, {"site", ls.Site}}
	var errs []error
	for _, n := range named {
		if n.limit == nil {
			continue
		}
		if err := n.limit.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("the %s limit's %w", n.name, err))
		}
	}
	return errors.Join(errs...)
}
