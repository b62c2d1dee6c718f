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
// Each limit has a counter of its own. A write whose reply is lost and which is then sent again counts twice, or finds its
// own trace and is refused; so does a slot whose settlement is lost. Both err towards throttling.
type Throttle struct {
	counters Counters
	keys     Keys
	limits   Limits
}

var _ Attempts = (*Throttle)(nil)

// NewThrottle returns a Throttle. All must be given; DefaultLimits are a start.
func NewThrottle(counters Counters, keys Keys, limits Limits) (*Throttle, error) {
	if counters == nil || keys == nil {
		return nil, errors.New("login: a Throttle needs the store of counters and the login keys")
	}
	if err := limits.Validate(); err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	return &Throttle{counters, keys, limits}, nil
}

// slack is how long a counter outlives its window, for instances whose clocks are late.
const slack = time.Hour

// charge is the counter that an attempt is counted on.
type charge struct {
	key     string
	limit   Limit
	end     time.Time            // of the window
	release func(Counter) Update // after a good login
}

// held is a slot of one counter.
type held struct {
	charge
	before, mine Counter // as the take found it and left it
}

// Take implements Attempts: one write, or none where the attempt's kind is not limited.
func (t *Throttle) Take(ctx context.Context, a Attempt) (Slot, error) {
	c, limited, err := t.chargeOf(ctx, a)
	if err != nil || !limited {
		return Slot{Attempt: a}, err
	}
	u := c.limit.Take(a.At, c.end.Add(slack))
	before, done, err := t.counters.Update(ctx, c.key, u)
	switch {
	case err != nil:
		return Slot{}, err
	case !done:
		return Slot{}, Throttled(c.limit.retryAfter(before, u.At, c.end))
	}
	mine := before
	u.Do(&mine)
	return Slot{Attempt: a, State: held{c, before, mine}}, nil
}

// Settle implements Attempts. After a failure there is nothing to do: the slot is the count. After a success the counters
// of account and device begin at zero again, and the network's loses this attempt. A count of one is left alone: it keeps
// nobody waiting, and so most logins cost no second write.
func (t *Throttle) Settle(ctx context.Context, s Slot, e Ending) error {
	h, limited := s.State.(held)
	switch {
	case !limited || e == Failed:
		return nil
	case e == Undecided:
		_, done, err := t.counters.Update(ctx, h.key, Undo(h.before, h.mine))
		if err != nil || done {
			return err
		}
		// Others came in between, and their waits are theirs; the count at least is not ours.
		_, _, err = t.counters.Update(ctx, h.key, GiveBack())
		return err
	case h.mine.N < 2:
		return nil
	}
	_, _, err := t.counters.Update(ctx, h.key, h.release(h.mine))
	return err
}

// chargeOf returns what the attempt is counted on, if anything.
func (t *Throttle) chargeOf(ctx context.Context, a Attempt) (c charge, limited bool, err error) {
	switch {
	case a.Device != (DeviceID{}):
		c, err = t.charge(ctx, "device", string(a.Device[:]), t.limits.Device, a.At, Reset)
	case a.Account != "":
		c, err = t.charge(ctx, "account", string(a.Account), t.limits.Account, a.At, Reset)
	case a.Network.IsValid() && t.limits.Network != nil:
		// One good login there says nothing about the others' failures, so it takes back no more than itself.
		giveBack := func(Counter) Update { return GiveBack() }
		c, err = t.charge(ctx, "network", a.Network.String(), *t.limits.Network, a.At, giveBack)
	default:
		return charge{}, false, nil
	}
	return c, true, err
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
