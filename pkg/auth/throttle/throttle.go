package throttle

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Exceeded is the error of an attempt that is not granted.
type Exceeded struct {
	RetryAfter time.Duration // in whole seconds; an earlier attempt is refused too
}

// Error says how long the caller must wait.
func (e *Exceeded) Error() string {
	return fmt.Sprintf("too many attempts: try again in %v", e.RetryAfter)
}

// Charge says which counter an attempt counts on.
type Charge struct {
	// Kind and Text identify the counter, for example "account" and the key of an e-mail. The table
	// has a keyed hash of them.
	Kind, Text string
	// Source identifies the origin of the attempt, for example the client's network; it may be
	// empty. A source with earlier attempts on the counter waits longer; see [Limit]. The table has
	// a keyed hash of it.
	Source string
	Limit  Limit
	At     time.Time // the time of the attempt
	// Shared means that a success releases only its own attempt, because a successful login from a
	// network says nothing about failures of other users in that network. Otherwise a success
	// resets the counter to zero.
	Shared bool
}

// Ending says how an attempt ended.
type Ending int

// The endings of an attempt.
const (
	// EndingUndecided releases the attempt: nothing was tried, because another counter refused or
	// the service failed.
	EndingUndecided Ending = iota
	// EndingFailed leaves the attempt counted.
	EndingFailed
	// EndingSucceeded releases the attempt, and the earlier failures too unless the charge is
	// shared.
	EndingSucceeded
)

// Slot is a reserved attempt. The zero Slot is an attempt without a limit.
type Slot struct {
	charge       Charge
	key, source  string
	before, mine Counter // the counter before and after Take
}

// Receipt returns a text with which [Limiter.Release] can release the attempt later, even in
// another process. It contains only keyed hashes. It is empty for the zero Slot.
func (s Slot) Receipt() string {
	if s.key == "" {
		return ""
	}
	return s.key + receiptMark + s.source
}

const receiptMark = " "

// Limiter counts attempts on counters in a store. It is safe for concurrent use if its parts are.
//
// A write that is repeated after a lost reply counts twice, or finds its own effect and is refused.
// A reservation that is never settled stays counted. Both faults only refuse more attempts.
type Limiter struct {
	counters Counters
	keys     Keys
}

// New returns a Limiter. Both arguments are required.
func New(counters Counters, keys Keys) (*Limiter, error) {
	if counters == nil || keys == nil {
		return nil, errors.New("throttle: New requires a store of counters and the login keys")
	}
	return &Limiter{counters, keys}, nil
}

// slack is how long a counter outlives its window, for instances whose clocks are slow.
const slack = time.Hour

// Take reserves an attempt by one write. If the limit is reached, the error is an [*Exceeded]. Any
// other error means that the attempt could not be counted and must not be made.
func (l *Limiter) Take(ctx context.Context, c Charge) (Slot, error) {
	key, end, err := l.counter(ctx, c)
	if err != nil {
		return Slot{}, err
	}
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

// sourceChars is the length of a source's name in a counter. A counter keeps its sources until its
// window ends, including those of successful attempts. With 12 bits the counter grows to at most a
// few tens of KB: a user who logs in from ten thousand networks must not fill an item of DynamoDB.
// 12 bits distinguish the sources of the attempts that a limit grants, and two sources with one
// name only wait longer.
const sourceChars = 2

// source returns the name of the source in the counter under key. A source has a different name in
// each counter, so that a reader of the table cannot see that two accounts were tried from one
// network.
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

// Settle reports how an attempt ended. A failure needs no write, because the attempt is counted
// already. After a success, a count of one stays: it delays no attempt, so most attempts need no
// second write.
func (l *Limiter) Settle(ctx context.Context, s Slot, e Ending) error {
	switch {
	case s.key == "" || e == EndingFailed:
		return nil
	case e == EndingUndecided:
		_, done, err := l.counters.Update(ctx, s.key, Undo(s.before, s.mine, s.source))
		if err != nil || done {
			return err
		}
		// Other attempts came in between, and their waits stay. Only the count of this attempt is
		// released.
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

// Release releases the attempt with this receipt, if its window has not ended. An empty receipt
// releases nothing.
func (l *Limiter) Release(ctx context.Context, receipt string) error {
	key, source, ok := strings.Cut(receipt, receiptMark)
	if !ok {
		return nil
	}
	_, _, err := l.counters.Update(ctx, key, GiveBack(source))
	return err
}

// clearTries is how often Clear retries while other attempts change the counter.
const clearTries = 10

// Clear resets the counter of the charge in its current window to zero, and returns how many
// attempts it had. Sources with attempts in this window still wait longer than other sources; see
// [Limit]. If other attempts change the counter all the time, the error wraps
// [auth.ErrUnavailable].
func (l *Limiter) Clear(ctx context.Context, c Charge) (attempts int, err error) {
	key, _, err := l.counter(ctx, c)
	if err != nil {
		return 0, err
	}
	for range clearTries {
		// No counter has so many attempts, so the update only reads.
		now, _, err := l.counters.Update(ctx, key, Update{AnyOf: []Match{{Least: 1 << 30}}})
		if err != nil || now.N == 0 {
			return 0, err
		}
		if _, done, err := l.counters.Update(ctx, key, Reset(now, "")); err != nil || done {
			return now.N, err
		}
	}
	return 0, fmt.Errorf("the counter changes all the time: %w", auth.ErrUnavailable)
}

// counter returns the key of the charge's counter and the end of its window.
func (l *Limiter) counter(ctx context.Context, c Charge) (key string, end time.Time, err error) {
	sum, err := pseudonym(ctx, l.keys, counterPurpose, c.Kind, c.Text)
	if err != nil {
		return "", time.Time{}, err
	}
	number, end := c.Limit.window(binary.BigEndian.Uint64(sum[16:]), c.At)
	return base64.RawURLEncoding.EncodeToString(sum[:16]) + "." + strconv.FormatInt(number, 10), end, nil
}
