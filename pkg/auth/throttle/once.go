package throttle

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"
)

// Once makes an id usable only once, for example an ID token, a nonce or a challenge. It is safe
// for concurrent use if its fields are.
type Once struct {
	Counters Counters
	Keys     Keys
	// Rand makes marks; nil means crypto/rand.Reader.
	Rand io.Reader
}

// Spend marks an id as used, by one write, and reports whether it was unused. purpose separates the
// ids of different uses. The id is remembered until the given time, which must not be before the
// expiry of the id; now is the caller's clock. The table has a keyed hash of purpose and id. A
// rotation of the keys forgets all ids, so ids must not live longer than the time between two
// rotations.
//
// If the SDK retries after a lost reply, it finds its own mark, and the id counts as unused. Call
// Spend before the effect: after a crash in between, the id is lost but never used twice. If the
// error is not nil, the id may be marked as used.
func (o Once) Spend(ctx context.Context, purpose, id string, now, until time.Time) (fresh bool, err error) {
	if o.Counters == nil || o.Keys == nil {
		return false, errors.New("throttle: Once requires Counters and Keys")
	}
	if !until.After(now) {
		return false, fmt.Errorf("throttle: until is %v (want a time after now, %v)", until, now)
	}
	sum, err := pseudonym(ctx, o.Keys, oncePurpose, purpose, id)
	if err != nil {
		return false, err
	}
	random := o.Rand
	if random == nil {
		random = rand.Reader
	}
	u := Update{
		AnyOf: []Match{{Below: 1}}, Add: 1,
		At: now.UTC().Truncate(time.Millisecond), Expires: until.Add(slack).UTC().Truncate(time.Second),
	}
	if _, err := io.ReadFull(random, u.Mark[:]); err != nil {
		return false, fmt.Errorf("reading random bytes: %w", err)
	}
	before, done, err := o.Counters.Update(ctx, "once."+base64.RawURLEncoding.EncodeToString(sum), u)
	if err != nil {
		return false, err
	}
	return done || before.Mark == u.Mark, nil
}
