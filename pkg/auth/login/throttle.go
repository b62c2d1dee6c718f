package login

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Throttle is the Attempts that limits logins by account and by network, or by known device.
//
// Each limit has a counter of its own, and one login's are written in parallel. Where one refuses and another has
// granted, the granted slot is not rolled back: the roll-back would be a second round trip for every refusal, in a flood
// of them, and could be lost. What stays counted errs towards throttling. So does a write whose reply is lost and which
// is then sent again: it counts twice, or finds its own trace and is refused.
type Throttle struct {
	counters Counters
	keys     Keys
	limits   Limits
}

var _ Attempts = (*Throttle)(nil)

// NewThrottle returns a Throttle. All must be given; DefaultLimits are a start.
func NewThrottle(counters Counters, keys Keys, limits Limits) (*Throttle, error) {
	if counters == nil || keys == nil {
		return nil, errors.New("login: a Throttle needs the store of counters and the refresh-token keys")
	}
	if err := limits.Validate(); err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	return &Throttle{counters, keys, limits}, nil
}

// slack is how long a counter outlives its window, for instances whose clocks are late.
const slack = time.Hour

// charge is one counter that an attempt is counted on.
type charge struct {
	key     string
	limit   Limit
	end     time.Time            // of the window
	release func(Counter) Update // after a good login
}

// held is a slot of one counter.
type held struct {
	charge
	mine Counter // as the take left it
}

// Take implements Attempts: one round trip.
func (t *Throttle) Take(ctx context.Context, a Attempt) (Slot, error) {
	charges, err := t.charges(ctx, a)
	if err != nil {
		return Slot{}, err
	}
	slots, errs := make([]held, len(charges)), make([]error, len(charges))
	each(len(charges), func(i int) { slots[i], errs[i] = t.take(ctx, charges[i], a.At) })
	var wait time.Duration
	for _, err := range errs {
		var refusal *Refusal
		if errors.As(err, &refusal) {
			wait = max(wait, refusal.RetryAfter)
		}
	}
	if wait > 0 {
		return Slot{}, Throttled(wait) // the longer one, and also where another counter could not be asked
	}
	if err := errors.Join(errs...); err != nil {
		return Slot{}, err
	}
	return Slot{Attempt: a, State: slots}, nil
}

// Settle implements Attempts. After a bad login there is nothing to do: the slot is the count. After a good one the
// counters of account and device begin at zero again, and the network's loses this attempt. A count of one is left
// alone: it keeps nobody waiting, and so most logins cost no second write.
func (t *Throttle) Settle(ctx context.Context, s Slot, good bool) error {
	slots, _ := s.State.([]held)
	if !good || len(slots) == 0 {
		return nil
	}
	errs := make([]error, len(slots))
	each(len(slots), func(i int) {
		if h := slots[i]; h.mine.N >= 2 {
			_, _, errs[i] = t.counters.Update(ctx, h.key, h.release(h.mine))
		}
	})
	return errors.Join(errs...)
}

// charges returns what the attempt is counted on: the device alone where it brings one, else account and network.
func (t *Throttle) charges(ctx context.Context, a Attempt) ([]charge, error) {
	if a.Device != (DeviceID{}) {
		device, err := t.charge(ctx, "device", string(a.Device[:]), t.limits.Device, a.At, Reset)
		return []charge{device}, err
	}
	account, err := t.charge(ctx, "account", string(a.Account), t.limits.Account, a.At, Reset)
	if err != nil || t.limits.Network == nil || !a.Network.IsValid() {
		return []charge{account}, err
	}
	// One good login there says nothing about the others' failures, so it takes back no more than itself.
	giveBack := func(Counter) Update { return GiveBack() }
	network, err := t.charge(ctx, "network", a.Network.String(), *t.limits.Network, a.At, giveBack)
	return []charge{account, network}, err
}

func (t *Throttle) charge(ctx context.Context, kind, text string, l Limit, at time.Time, release func(Counter) Update) (charge, error) {
	sum, err := pseudonym(ctx, t.keys, counterPurpose, kind, text)
	if err != nil {
		return charge{}, err
	}
	number, end := l.window(binary.BigEndian.Uint64(sum[16:]), at)
	key := base64.RawURLEncoding.EncodeToString(sum[:16]) + "." + strconv.FormatInt(number, 10)
	return charge{key: key, limit: l, end: end, release: release}, nil
}

func (t *Throttle) take(ctx context.Context, c charge, at time.Time) (held, error) {
	u := c.limit.Take(at, c.end.Add(slack))
	before, done, err := t.counters.Update(ctx, c.key, u)
	switch {
	case err != nil:
		return held{}, err
	case !done:
		return held{}, Throttled(c.limit.retryAfter(before, u.At, c.end))
	}
	u.Do(&before)
	return held{c, before}, nil
}
