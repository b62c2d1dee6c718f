package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// limiter implements attempts. It limits logins by account, network and site, or by known
// device. It is safe for concurrent use.
type limiter struct {
	all    *throttle.Limiter
	limits Limits
}

var _ attempts = (*limiter)(nil)

// newLimiter returns a limiter. All arguments are required; see [DefaultLimits].
func newLimiter(counters throttle.Counters, keys throttle.Keys, limits Limits) (*limiter, error) {
	all, err := throttle.New(counters, keys)
	if err == nil {
		err = limits.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	return &limiter{all, limits}, nil
}

// Take implements attempts. It makes one write, or no write if the kind of the attempt has no
// limit.
func (t *limiter) Take(ctx context.Context, a attempt) (slot, error) {
	c, limited := t.charge(a)
	if !limited {
		return slot{Attempt: a}, nil
	}
	taken, err := t.all.Take(ctx, c)
	var exceeded *throttle.Exceeded
	if errors.As(err, &exceeded) {
		return slot{}, throttled(exceeded.RetryAfter)
	}
	return slot{Attempt: a, State: taken}, err
}

// Settle implements attempts.
func (t *limiter) Settle(ctx context.Context, s slot, e throttle.Ending) error {
	taken, _ := s.State.(throttle.Slot)
	return t.all.Settle(ctx, taken, e)
}

// Unlock resets the counter of the account with this e-mail to zero, and returns how many attempts
// the counter had. The limits must be the limits of the logins, and at is the time of the call.
// Known devices and networks keep their counters.
func Unlock(ctx context.Context, counters throttle.Counters, keys throttle.Keys, limits Limits, email string, at time.Time) (attempts int, err error) {
	t, err := newLimiter(counters, keys, limits)
	if err != nil {
		return 0, err
	}
	c, _ := t.charge(attempt{Account: accountKey(email), At: at})
	return t.all.Clear(ctx, c)
}

// charge returns the counter of the attempt. limited is false if the attempt is not limited.
func (t *limiter) charge(a attempt) (c throttle.Charge, limited bool) {
	switch {
	case a.Device != (deviceID{}):
		return throttle.Charge{Kind: "device", Text: string(a.Device[:]), Limit: t.limits.Device, At: a.At}, true
	case a.Account != "":
		c = throttle.Charge{Kind: "account", Text: string(a.Account), Limit: t.limits.Account, At: a.At}
		if a.Network.IsValid() && t.limits.Network != nil {
			c.Source = throttle.Site(a.Network.Addr()).String()
		}
		return c, true
	case !a.Network.IsValid():
		return throttle.Charge{}, false
	}
	kind, limit := "network", t.limits.Network
	if a.Network.Bits() == siteBits {
		kind, limit = "site", t.limits.Site
	}
	if limit == nil {
		return throttle.Charge{}, false
	}
	return throttle.Charge{Kind: kind, Text: a.Network.String(), Limit: *limit, At: a.At, Shared: true}, true
}
