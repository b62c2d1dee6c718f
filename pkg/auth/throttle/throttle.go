package throttle

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrExceeded says that too many attempts were made lately. It is the sentinel of [*Exceeded].
var ErrExceeded = errors.New("too many attempts")

// Exceeded is the error of an attempt that got no slot.
type Exceeded struct {
	RetryAfter time.Duration // in whole seconds; an earlier attempt is refused again
}

func (e *Exceeded) Error() string {
	return fmt.Sprintf("%v: try again in %v", ErrExceeded, e.RetryAfter)
}

func (*Exceeded) Unwrap() error { return ErrExceeded }

// Charge says what an attempt is counted on.
type Charge struct {
	// Kind and Text name the counter, as in "account" and the key of an e-mail. The table holds a keyed hash of them.
	Kind, Text string
	// Source names who attempts, as in the network of a client; it may be empty. A source that took
	// slots of the counter before waits longer than another; see [Limit]. The table holds a keyed hash.
	Source string
	Limit  Limit
	At     time.Time // of the attempt, by the caller's clock
	// Shared says that a success takes back its own slot and no other: one good login from a network says nothing about
	// the failures of others there. Without it a success sets the counter back to zero.
	Shared bool
}

// Ending is how an attempt ended.
type Ending int

// The endings of an attempt.
const (
	// Undecided takes the slot back: nothing was tried, because another counter refused or because of a failure of ours.
	Undecided Ending = iota
	// Failed leaves the slot counted.
	Failed
	// Succeeded takes the slot back, and the failures before it unless the charge is shared.
	Succeeded
)

// Slot is the right to one attempt. The zero Slot is an attempt that is not limited.
type Slot struct {
	charge       Charge
	key, source  string
	before, mine Counter // as the take found the counter and left it
}

// Limiter counts attempts on counters in a store. It is safe for concurrent use if its parts are.
//
// A write whose reply is lost and which is then sent again counts twice, or finds its own trace and is refused. A slot
// that is never settled stays counted. Both err towards refusing.
type Limiter struct {
	counters Counters
	keys     Keys
}

// New returns a Limiter. Both parts are required.
func New(counters Counters, keys Keys) (*Limiter, error) {
	if counters == nil || keys == nil {
		return nil, errors.New("throttle: a Limiter needs the store of counters and the login keys")
	}
	return &Limiter{counters, keys}, nil
}

// slack is how long a counter outlives its window, for instances whose clocks are late.
const slack = time.Hour

// Take takes a slot by one write. The error is an [*Exceeded] if the limit grants none; any other error says that the
// attempt could not be counted, and such an attempt must not be made.
func (l *Limiter) Take(ctx context.Context, c Charge) (Slot, error) {
	sum, err := pseudonym(ctx, l.keys, counterPurpose, c.Kind, c.Text)
	if err != nil {
		return Slot{}, err
	}
	number, end := c.Limit.window(binary.BigEndian.Uint64(sum[16:]), c.At)
	key := base64.RawURLEncoding.EncodeToString(sum[:16]) + "." + strconv.FormatInt(number, 10)
	source, err := l.source(ctx, c, key)
	if err != nil {
		return Slot{}, err
	}
	u := c.Limit.Take(c.At, end.Add(slack), source)
	before, done, err := l.counters.Update(ctx, key, u)
	switch {
	case err != nil:
		return Slot{}, err
	case !done:
		return Slot{}, &Exceeded{RetryAfter: c.Limit.retryAfter(before, source, u.At, end)}
	}
	mine := before
	u.Do(&mine)
	return Slot{c, key, source, before, mine}, nil
}

// sourceChars is the length of a source's name in a counter: 48 bits tell some hundred sources apart.
const sourceChars = 8

// source returns the name of the charge's source in the counter under key. A source has another name in
// each counter, so that a reader of the table cannot see that two accounts were tried from one network.
func (l *Limiter) source(ctx context.Context, c Charge, key string) (string, error) {
	if c.Source == "" {
		return "", nil
	}
	sum, err := pseudonym(ctx, l.keys, sourcePurpose, key, c.Source)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum)[:sourceChars], nil
}

// Settle says how an attempt ended. After a failure there is nothing to write: the slot is the count. A count of one is
// left alone after a success: it keeps no attempt waiting, and so most attempts cost no second write.
func (l *Limiter) Settle(ctx context.Context, s Slot, e Ending) error {
	switch {
	case s.key == "" || e == Failed:
		return nil
	case e == Undecided:
		_, done, err := l.counters.Update(ctx, s.key, Undo(s.before, s.mine, s.source))
		if err != nil || done {
			return err
		}
		// Other attempts came in between, and their waits stay. The count at least loses this attempt.
		_, _, err = l.counters.Update(ctx, s.key, GiveBack(s.source))
		return err
	case s.mine.N < 2:
		return nil
	}
	release := Reset(s.mine, s.source)
	if s.charge.Shared {
		release = GiveBack(s.source)
	}
	_, _, err := l.counters.Update(ctx, s.key, release)
	return err
}
