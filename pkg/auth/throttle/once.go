package throttle

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
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
	// Keys are needed for ids that a reader of the table could guess: with Keys, the table has the
	// keyed hash of an id. A rotation of the keys forgets all ids, and during a rollout the old and
	// the new version of a function each accept an id once. So leave Keys nil for an id that cannot
	// be guessed, such as an ID token or a random nonce; the table then has its SHA-256.
	Keys Keys
	// Rand makes marks; nil means crypto/rand.Reader.
	Rand io.Reader
}

// Spend marks an id as used, by one write, and reports whether it was unused. purpose separates the
// ids of different uses and must not be empty. The id is remembered until the given time, which
// must not be before the expiry of the id; now is the caller's clock.
//
// The id must be the verified content, and not a text with several spellings. The text of a JWT
// does not identify it, because base64url and ECDSA signatures can be written in several ways, but
// its payload does.
//
// If the SDK retries after a lost reply, it finds its own mark, and the id counts as unused. Call
// Spend before the effect: after a crash in between, the id is lost but never used twice. After an
// error, the id may be marked as used.
func (o Once) Spend(ctx context.Context, purpose, id string, now, until time.Time) (fresh bool, err error) {
	switch {
	case o.Counters == nil:
		return false, errors.New("throttle: Once requires Counters")
	case purpose == "":
		return false, errors.New("throttle: the purpose is empty (want a name for the use of the id)")
	}
	if !until.After(now) {
		return false, fmt.Errorf("throttle: until is %v (want a time after now, %v)", until, now)
	}
	key, err := o.key(ctx, purpose, id)
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
	before, done, err := o.Counters.Update(ctx, key, u)
	if err != nil {
		return false, err
	}
	return done || before.Mark == u.Mark, nil
}

// Spent reports whether an id is marked as used at the time now of the caller's clock. It writes
// nothing. Only [Once.Spend] prevents a second use, because two callers of Spent may both find an
// id unused.
func (o Once) Spent(ctx context.Context, purpose, id string, now time.Time) (bool, error) {
	if o.Counters == nil || purpose == "" {
		return false, errors.New("throttle: Once requires Counters and a purpose")
	}
	key, err := o.key(ctx, purpose, id)
	if err != nil {
		return false, err
	}
	// The condition never holds, and the store returns the current counter.
	before, _, err := o.Counters.Update(ctx, key, Update{AnyOf: []Match{{Least: 1, Below: 1}}, Add: 1})
	return err == nil && before.live(now), err
}

// Forget makes a used id usable again, and reports whether it was used at the time now of the
// caller's clock. It is for an operator who takes back what Spend recorded. Do not call it for a
// credential: that credential could then be used twice. After a lost reply, a retry reports false.
func (o Once) Forget(ctx context.Context, purpose, id string, now time.Time) (was bool, err error) {
	if o.Counters == nil || purpose == "" {
		return false, errors.New("throttle: Once requires Counters and a purpose")
	}
	key, err := o.key(ctx, purpose, id)
	if err != nil {
		return false, err
	}
	before, _, err := o.Counters.Update(ctx, key, GiveBack(""))
	return err == nil && before.live(now), err
}

// live reports whether the counter of an id marks it as used at this time.
func (c Counter) live(now time.Time) bool { return c.N > 0 && now.Before(c.Expires.Add(-slack)) }

// key returns the name of the id's counter.
func (o Once) key(ctx context.Context, purpose, id string) (string, error) {
	if o.Keys == nil {
		sum := sha256.Sum256([]byte(oncePurpose + "\x00" + purpose + "\x00" + id))
		return "once.0." + base64.RawURLEncoding.EncodeToString(sum[:]), nil
	}
	sum, err := pseudonym(ctx, o.Keys, oncePurpose, purpose, id)
	return "once." + base64.RawURLEncoding.EncodeToString(sum), err
}
