package login

import (
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Limits holds the limits of logins; see [DefaultLimits].
type Limits struct {
	Account throttle.Limit // logins to one account without a known device
	Device  throttle.Limit // logins with one known device
	// Network limits logins from one /32 of IPv4 or /64 of IPv6. nil means no limit, for
	// deployments whose gateway sees the addresses of a CDN. The counter of an account then does
	// not distinguish networks either.
	Network *throttle.Limit
	// Site limits logins from one /48 of IPv6. nil means no limit.
	Site *throttle.Limit
}

// DefaultLimits returns the limits of a deployment without configuration.
//
// Account: five typing errors cost nothing, and the next error costs a second. Then the wait
// doubles up to 15 minutes. An attacker has at most 109 guesses in a window, and 123 in the worst
// 24 hours. NIST SP 800-63B-4, section 3.2.2, allows at most 100 consecutive failures before the
// authenticator is disabled, and suggests waits that grow from 30 seconds to an hour. These limits
// never disable an account, because an attacker could use a lockout against the owner (OWASP
// Authentication Cheat Sheet). A deployment that must meet the limit of 100 sets MaxDelay to an
// hour (55 in the worst 24 hours) and disables accounts according to the audit log.
//
// Device: the holder of a device token once knew the password, and is the owner or a thief of the
// device. The limits are therefore wider: 322 guesses in the worst 24 hours. OWASP describes the
// separate counter as device cookies.
//
// Network: an office, a school or a carrier may share one address, and a successful login releases
// its attempt. People rarely make 100 failed logins an hour. Beyond that, one attempt a minute
// remains, so that no user there is locked out. The limit stops one machine from trying one
// password on each of many accounts. Many machines are limited by the account.
//
// Site: a tenant of a data centre gets a /48 with 65,536 networks. A mobile carrier may have as
// many subscribers in one, so the limit of a site is ten times that of a network.
func DefaultLimits() Limits {
	return Limits{
		Account: throttle.Limit{Free: 5, Delay: time.Second, MaxDelay: 15 * time.Minute, Window: 24 * time.Hour},
		Device:  throttle.Limit{Free: 10, Delay: time.Second, MaxDelay: 5 * time.Minute, Window: 24 * time.Hour},
		Network: &throttle.Limit{Free: 100, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour},
		Site:    &throttle.Limit{Free: 1000, Delay: time.Second, MaxDelay: 10 * time.Second, Window: time.Hour},
	}
}

// Validate returns an error for each limit that is out of range.
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
