package login

import (
	"context"
	"net/netip"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// attempts counts and limits logins. Implementations are safe for concurrent use.
type attempts interface {
	// Take reserves and counts one attempt in one atomic step. If the limit is reached, it returns
	// a *Refusal made by throttled. Any other error stops the login, because an attempt that
	// cannot be counted is not allowed.
	Take(ctx context.Context, a attempt) (slot, error)
	// Settle reports how the attempt ended. A reservation that is never settled counts as a failure
	// until the counter restarts. Login ignores the error of Settle, because a lost settlement only
	// throttles more.
	Settle(ctx context.Context, s slot, e throttle.Ending) error
}

// attempt says what one reservation counts on: the first of Device, Account and Network that is
// set. A login with a known device makes one attempt, on the device. Any other login makes an
// attempt on its network and in parallel an attempt on its site, and then an attempt on its
// account. The redemption of a change-of-password token makes one attempt, on Device.
type attempt struct {
	// Account is the key of the e-mail. It need not belong to a user. If the e-mail cannot be
	// normalized, Account is a stand-in that no user can have.
	Account user.Email
	// Network is the client's network or its site. The network is the /32 of an IPv4 address or the
	// /64 of an IPv6 address, which is the smallest block of one subscriber. The site is the /48 of
	// an IPv6 address. If Account is set too, Network says where the attempt comes from. If the
	// address is unknown, an attempt has neither Account nor Network and must be granted.
	Network netip.Prefix
	// Device is the known device of the login. The token is authentic but may belong to another
	// account. In that case the login also makes the attempts on network and account before it
	// computes a hash. For a redemption, Device stands for the change-of-password token, whose
	// secret is already verified.
	Device deviceID
	// At is the time of the attempt.
	At time.Time
}

// slot is a reserved attempt.
type slot struct {
	Attempt attempt
	// State belongs to the implementation. Settle receives it as Take returned it.
	State any
}

// unlimited grants every attempt and counts nothing.
type unlimited struct{}

func (unlimited) Take(_ context.Context, a attempt) (slot, error)     { return slot{Attempt: a}, nil }
func (unlimited) Settle(context.Context, slot, throttle.Ending) error { return nil }

// siteBits is the prefix length of an IPv6 site.
const siteBits = 48

// byNetwork returns the attempts that depend only on the client's address: one for IPv4, two for
// IPv6.
func byNetwork(a netip.Addr, at time.Time) []attempt {
	all := []attempt{{Network: throttle.Network(a), At: at}}
	if s := throttle.Site(a); s.IsValid() && s.Addr().Is6() {
		all = append(all, attempt{Network: s, At: at})
	}
	return all
}
