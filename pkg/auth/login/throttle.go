package login

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Throttle implements [Attempts]. It limits logins by account, network and site, or by known
// device. It is safe for concurrent use.
type Throttle struct {
	limiter *throttle.Limiter
	limits  Limits
}

var _ Attempts = (*Throttle)(nil)

// NewThrottle returns a Throttle. All arguments are required; see [DefaultLimits].
func NewThrottle(counters throttle.Counters, keys throttle.Keys, limits Limits) (*Throttle, error) {
	limiter, err := throttle.New(counters, keys)
	if err == nil {
		err = limits.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	return &Throttle{limiter, limits}, nil
}

// Take implements [Attempts]. It makes one write, or none if the kind of the attempt has no limit.
func (t *Throttle) Take(ctx context.Context, a Attempt) (Slot, error) {
	c, limited := t.charge(a)
	if !limited {
		return Slot{Attempt: a}, nil
	}
	slot, err := t.limiter.Take(ctx, c)
	var exceeded *throttle.Exceeded
	if errors.As(err, &exceeded) {
		return Slot{}, Throttled(exceeded.RetryAfter)
	}
	return Slot{Attempt: a, State: slot}, err
}

// Settle implements [Attempts].
func (t *Throttle) Settle(ctx context.Context, s Slot, e Ending) error {
	slot, _ := s.State.(throttle.Slot)
	return t.limiter.Settle(ctx, slot, e)
}

// Unlock sets the counter of the account with this e-mail back to zero, and returns how many attempts it
// had. at is the time of the call. Known devices and networks keep their counters.
func (t *Throttle) Unlock(ctx context.Context, email string, at time.Time) (attempts int, err error) {
	c, _ := t.charge(Attempt{Account: accountKey(email), At: at})
	return t.limiter.Clear(ctx, c)
}

// charge returns the counter of the attempt. limited is false if the attempt is not limited.
func (t *Throttle) charge(a Attempt) (c throttle.Charge, limited bool) {
	switch {
	case a.Device != (DeviceID{}):
		return throttle.Charge{Kind: "device", Text: string(a.Device[:]), Limit: t.limits.Device, At: a.At}, true
	case a.Account != "":
		c = throttle.Charge{Kind: "account", Text: string(a.Account), Limit: t.limits.Account, At: a.At}
		if a.Network.IsValid() && t.limits.Network != nil {
			c.Source = site(a.Network.Addr()).String()
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
