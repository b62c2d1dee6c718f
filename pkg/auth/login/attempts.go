package login

import (
	"context"
	"net/netip"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Attempts counts logins. Implementations are safe for concurrent use.
type Attempts interface {
	// Take takes a slot for one attempt, atomically with counting it. Where there is none it returns what Throttled
	// makes. Any other error stops the login: an attempt that could not be counted is not allowed.
	Take(ctx context.Context, a Attempt) (Slot, error)
	// Settle says how the attempt ended. A slot that is never settled counts as a failure until the counter begins anew,
	// so a lost settlement errs towards throttling; the login ignores Settle's error.
	Settle(ctx context.Context, s Slot, e Ending) error
}

// Ending is how an attempt ended; see package throttle.
type Ending = throttle.Ending

// The endings of an attempt.
const (
	Undecided = throttle.Undecided
	Failed    = throttle.Failed
	Succeeded = throttle.Succeeded
)

// Attempt is what may be counted: on one of Device, Account and Network, the first of them that is set. A login takes a
// slot of its network, and one of its site at the same time, then one of its account; or one of its known device. The redemption of a change-of-password
// token takes one of Device.
type Attempt struct {
	// Account is the key that the login asks for. It need not belong to a user, and where the e-mail cannot
	// be a key it is a stand-in that no user can have.
	Account user.Email
	// Network is where the client is: its /32 for IPv4, its /64 for IPv6, which is the least that one
	// subscriber has; or its site, the /48 for IPv6. With an Account, it tells who tries. If no address
	// is known there is an Attempt that names nothing, to be granted.
	Network netip.Prefix
	// Device is the known device that the login brings, by a token that is authentic but may be another account's. The
	// login that finds it to be another's takes the other two slots after all, before anything is hashed. For the redemption
	// of a change-of-password token it stands for the token, whose secret is known to be right by then.
	Device DeviceID
	// At is when, by the login's clock.
	At time.Time
}

// Slot is the right to one guess.
type Slot struct {
	Attempt Attempt
	// State is for the implementation: Settle gets it back as Take returned it.
	State any
}

// Unlimited grants every slot and counts nothing. It is for tests and for deployments that count in another place.
var Unlimited Attempts = unlimited{}

type unlimited struct{}

func (unlimited) Take(_ context.Context, a Attempt) (Slot, error) { return Slot{Attempt: a}, nil }
func (unlimited) Settle(context.Context, Slot, Ending) error      { return nil }

// network returns the least that one subscriber has.
func network(a netip.Addr) netip.Prefix { return prefix(a, 32, 64) }

// siteBits is the length of an IPv6 site's prefix.
const siteBits = 48

// site returns what one customer of a provider, or one tenant of a data centre, may have at no extra cost:
// a /48 is what an IPv6 site gets (RFC 6177, section 2).
func site(a netip.Addr) netip.Prefix { return prefix(a, 24, siteBits) }

// byNetwork returns the attempts of a client that do not depend on the account. An IPv4 client has one.
func byNetwork(a netip.Addr, at time.Time) []Attempt {
	all := []Attempt{{Network: network(a), At: at}}
	if s := site(a); s.IsValid() && s.Addr().Is6() {
		all = append(all, Attempt{Network: s, At: at})
	}
	return all
}

func prefix(a netip.Addr, v4, v6 int) netip.Prefix {
	a = a.Unmap() // ::ffff:192.0.2.1 is an IPv4 client; all IPv4 clients share its /64
	bits := v6
	if a.Is4() {
		bits = v4
	}
	p, _ := a.Prefix(bits) // it fails for lengths out of range only
	return p
}
