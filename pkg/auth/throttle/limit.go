package throttle

import (
	"fmt"
	"time"
)

// Limit says how many attempts are granted. Within a window the first Free attempts are granted at
// once. The n-th attempt is granted if Delay * 2^(n-Free-1), or MaxDelay if that is less, has
// passed since the previous granted attempt. A refused attempt does not count, so that an attacker
// cannot prolong a wait by retrying.
//
// If attempts have a source, a source with earlier attempts on the counter waits longer than other
// sources. From a wait of a minute on, the source waits a minute longer after one attempt and two
// minutes longer after two. After three attempts it waits twice as long. Without this rule, one
// network that takes each attempt as soon as it is free would keep the owner of an account out. No
// source waits less than the first paragraph says.
//
// Each window starts at zero and has a fixed length. The start of the window depends on the key, so
// that an attacker of many accounts finds no time at which all counters restart.
type Limit struct {
	Free                    int
	Delay, MaxDelay, Window time.Duration
	// Reserve is how many of the Free attempts are kept for sources without an attempt in the
	// window. A source with an attempt cannot take them, so a few sources cannot use up the
	// attempts of all other sources. Attempts without a source can take every free attempt.
	Reserve int
}

// The bounds of a Limit. The number of waits bounds the condition that is sent to DynamoDB, which
// allows 300 operators.
const (
	maxFree   = 1000
	maxWaits  = 14
	minWindow = time.Minute
	maxWindow = 7 * 24 * time.Hour
)

// Validate returns an error that names the first field out of range, and its range.
func (l Limit) Validate() error {
	switch {
	case l.Free < 1 || l.Free > maxFree:
		return fmt.Errorf("Free is %d (want 1 to %d)", l.Free, maxFree)
	case l.Reserve < 0 || l.Reserve >= l.Free:
		return fmt.Errorf("Reserve is %d (want 0 to less than Free, which is %d)", l.Reserve, l.Free)
	case l.Window < minWindow || l.Window > maxWindow:
		return fmt.Errorf("Window is %v (want %v to %v)", l.Window, minWindow, maxWindow)
	case l.Delay < time.Second || l.Delay > l.MaxDelay:
		return fmt.Errorf("Delay is %v (want 1s to MaxDelay, which is %v)", l.Delay, l.MaxDelay)
	case l.MaxDelay > l.Delay<<(maxWaits-1):
		return fmt.Errorf("MaxDelay is %v (want at most %d times Delay, which is %v)", l.MaxDelay, 1<<(maxWaits-1), l.Delay)
	case l.MaxDelay > l.Window:
		return fmt.Errorf("MaxDelay is %v (want at most Window, which is %v)", l.MaxDelay, l.Window)
	}
	return nil
}

// waits returns the waits of the attempts beyond Free. The last wait applies to all later attempts.
func (l Limit) waits() []time.Duration {
	var all []time.Duration
	for w := l.Delay; w < l.MaxDelay; w *= 2 {
		all = append(all, w)
	}
	return append(all, l.MaxDelay)
}

// wait returns the wait after the last of n granted attempts. source is how many of them came from
// the same source.
func (l Limit) wait(n, source int) time.Duration {
	if n < l.Free-l.Reserve || n < l.Free && source == 0 {
		return 0
	}
	waits := l.waits()
	w := waits[min(max(n-l.Free, 0), len(waits)-1)]
	return w + longer(w, source)
}

// frequent is the number of attempts from which a source waits longest.
const frequent = 3

// longer returns the additional wait of a source with the given number of attempts.
func longer(w time.Duration, source int) time.Duration {
	minutes := time.Duration(0)
	if w >= time.Minute {
		minutes = time.Duration(min(source, frequent-1)) * time.Minute
	}
	if source < frequent {
		return minutes
	}
	return max(w, minutes)
}

// Take returns the write that grants an attempt at the time at, if the limit allows it. expires is
// the time from which the store may delete the counter. The source may be empty. The condition
// "fewer than n granted, and the last this long ago" needs no lower bound, because waits grow: more
// attempts require a longer wait.
func (l Limit) Take(at, expires time.Time, source string) Update {
	at = at.UTC().Truncate(time.Millisecond)
	u := Update{AnyOf: []Match{{Below: l.Free}}, Add: 1, At: at, Expires: expires.UTC().Truncate(time.Second)}
	if source != "" {
		u.Source, u.AddSource = source, 1
		if l.Reserve > 0 {
			u.AnyOf = []Match{{Below: l.Free - l.Reserve}, {Below: l.Free, SourceBelow: 1}}
		}
	}
	for i, w := range l.waits() {
		u.AnyOf = append(u.AnyOf, waited(l.Free+i+1, w, at, source))
	}
	u.AnyOf[len(u.AnyOf)-1].Below = 0
	return u
}

// waited matches if fewer than below attempts were granted and the wait w has passed, or a longer
// wait for a source with earlier attempts.
func waited(below int, w time.Duration, at time.Time, source string) Match {
	if source == "" {
		return Match{Below: below, LastBy: at.Add(-w)}
	}
	longest := longer(w, frequent)
	m := Match{Below: below, LastBy: at.Add(-w - longest)}
	for n := range frequent {
		by := at.Add(-w - longer(w, n))
		if last := len(m.Sooner) - 1; last >= 0 && m.Sooner[last].LastBy.Equal(by) {
			m.Sooner[last].Below = n + 1
			continue
		}
		m.Sooner = append(m.Sooner, Sooner{Below: n + 1, LastBy: by})
	}
	return m
}

// window returns the number and the end of the window at the given time, for a key with the given
// shift.
func (l Limit) window(shift uint64, at time.Time) (number int64, end time.Time) {
	length := l.Window.Milliseconds()
	by := int64(shift % uint64(length))
	number = (at.UnixMilli() + by) / length
	return number, time.UnixMilli((number+1)*length - by).UTC()
}

// retryAfter returns how long a refused attempt has to wait, in whole seconds, rounded up. An
// earlier retry would be refused again. At the end of the window the counter restarts.
func (l Limit) retryAfter(c Counter, source string, at, end time.Time) time.Duration {
	left := min(c.Last.Add(l.wait(c.N, c.Sources[source])).Sub(at), end.Sub(at))
	return max(time.Second, (left + time.Second - 1).Truncate(time.Second))
}

// Most returns the maximum number of attempts that the limit grants within any span of length d,
// for every position of the windows. Successful attempts are released and not counted.
func (l Limit) Most(d time.Duration) int {
	// The span begins in a window without earlier attempts, and the first x of the span lies in
	// that window. A smaller x with as many attempts leaves more for the following windows, so x is
	// just large enough for its last attempt.
	behind := func(x time.Duration) int {
		return int((d-x)/l.Window)*l.within(l.Window) + l.within((d-x)%l.Window)
	}
	most := behind(0)
	n := l.Free
	for x := time.Millisecond; x <= min(d, l.Window); n++ {
		most = max(most, n+behind(x))
		x += l.wait(n, 0)
	}
	return most
}

// within returns how many attempts are granted in the first x of a window.
func (l Limit) within(x time.Duration) int {
	if x <= 0 {
		return 0
	}
	n, waits := l.Free, l.waits()
	for _, w := range waits[:len(waits)-1] {
		if x <= w {
			return n
		}
		x, n = x-w, n+1
	}
	return n + int((x-1)/l.MaxDelay)
}
