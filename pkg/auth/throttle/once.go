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

// Once lets something be spent once: an ID token, a nonce, a challenge. It is safe for concurrent use if its parts are.
type Once struct {
	Counters Counters
	Keys     Keys
	// Rand makes marks; nil is crypto/rand.Reader.
	Rand io.Reader
}

// Spend spends an id, by one write, and reports whether it was fresh. purpose keeps the ids of one use apart from those of
// another. The id is remembered until the instant until, which must not lie before the id itself ends; now is the
// caller's clock. The table holds a keyed hash of purpose and id. A rotation of the keys forgets what was spent, so ids
// must not live longer than two rotations lie apart.
//
// The SDK's own retry after a lost reply finds its mark and is fresh. Spend before the effect: after a crash in between,
// the id is lost, and it is never used twice. If the error is not nil, the id may be spent.
func (o Once) Spend(ctx context.Context, purpose, id string, now, until time.Time) (fresh bool, err error) {
	if o.Counters == nil || o.Keys == nil {
		return false, errors.New("throttle: Once needs the store of counters and the login keys")
	}
	if !until.After(now) {
		return false, fmt.Errorf("throttle: spend until %v, which is not after now, %v", until, now)
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
