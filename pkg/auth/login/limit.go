package login

import (
	"errors"
	"fmt"
	"time"
)

// Limit says how many attempts are granted. Within a window the first Free are granted at once. The n-th needs
// Delay * 2^(n-Free-1), but no more than MaxDelay, to have passed since the one before. A refused attempt counts for
// nothing, so that nobody can prolong somebody's wait by asking again.
//
// Each window begins at zero. It is of fixed length, and where it begins is another instant for each key: an attacker of
// many accounts finds no midnight at which all are fresh.
type Limit struct {
	Free                    int
	Delay, MaxDelay, Window time.Duration
}

// Limits are the limits of a Throttle.
type Limits struct {
	Account Limit // logins to one e-mail that bring no device known for it
	Device  Limit // logins that bring one known device
	// Network limits logins from one /32 or /64; nil is none, which is for deployments whose gateway sees the addresses
	// of a CDN.
	Network *Limit
}

// DefaultLimits are the limits for whoever knows no better ones.
//
// Account: a handful of typing errors costs nobody anything, the next a second. From then on the wait doubles up to a
// quarter of an hour: 109 guesses in a window, 123 in the worst 24 hours. NIST SP 800-63B-4, section 3.2.2, allows no
// more than 100 consecutive failures before the authenticator is disabled, and suggests waits that grow from 30 seconds
// up to an hour on the way there. These limits grow and never disable: the OWASP Authentication Cheat Sheet warns that a
// lock is a stranger's way to keep an owner out. A deployment that must meet the 100 sets MaxDelay to an hour (55 in the
// worst 24 hours) and disables accounts by the audit log.
//
// Device: its holder has once known the password, so it is a person who forgot it or a thief of the device: more
// tries, shorter waits, 322 in the worst 24 hours. Counting them apart is what OWASP describes as device cookies.
//
// Network: an office, a school or a carrier may stand behind one address, and good logins give their slot back. A
// hundred failures an hour are more than people make; then one a minute remains, so that nobody there is shut out. It
// stops one machine from trying one password on each of many accounts; many machines meet the account's limit.
func DefaultLimits() Limits {
	return Limits{
		Account: Limit{Free: 5, Delay: time.Second, MaxDelay: 15 * time.Minute, Window: 24 * time.Hour},
		Device:  Limit{Free: 10, Delay: time.Second, MaxDelay: 5 * time.Minute, Window: 24 * time.Hour},
		Network: &Limit{Free: 100, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour},
	}
}

// The bounds of a Limit. They also bound the condition that DynamoDB is sent: some twenty terms.
const (
	maxFree   = 1000
	minWindow = time.Minute
	maxWindow = 7 * 24 * time.Hour
)

// Validate says what is allowed where l is not.
func (l Limit) Validate() error {
	switch {
	case l.Free < 1 || l.Free > maxFree:
		return fmt.Errorf("Free is %d: it must be from 1 to %d", l.Free, maxFree)
	case l.Window < minWindow || l.Window > maxWindow:
		return fmt.Errorf("Window is %v: it must be from %v to %v", l.Window, minWindow, maxWindow)
	case l.Delay < time.Second || l.Delay > l.MaxDelay:
		return fmt.Errorf("Delay is %v: it must be from 1s to MaxDelay, which is %v", l.Delay, l.MaxDelay)
	case l.MaxDelay > l.Window:
		return fmt.Errorf("MaxDelay is %v: it must be at most Window, which is %v", l.MaxDelay, l.Window)
	}
	return nil
}

// Validate says what is allowed where ls are not.
func (ls Limits) Validate() error {
	named := []struct {
		name  string
		limit *Limit
	}{{"account", &ls.Account}, {"device", &ls.Device}, {"network", ls.Network}}
	var errs []error
	for _, n := range named {
		if n.limit == nil {
			continue
		}
		if err := n.limit.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("the %s limit's %w", n.name, err))
		}
	}
	return errors.Join(errs...)
}

// waits are those of the attempts beyond Free; the last goes on for ever.
func (l Limit) waits() []time.Duration {
	var all []time.Duration
	for w := l.Delay; w < l.MaxDelay; w *= 2 {
		all = append(all, w)
	}
	return append(all, l.MaxDelay)
}

// wait is what the next attempt needs to have passed since the last where n were granted.
func (l Limit) wait(n int) time.Duration {
	if n < l.Free {
		return 0
	}
	waits := l.waits()
	return waits[min(n-l.Free, len(waits)-1)]
}

// Take returns the write that grants an attempt at the instant at, if the limit allows, in a window whose counter may be
// forgotten at expires. Because waits grow, "fewer than so many granted, and the last so long ago" needs no lower bound:
// where more were granted, a longer wait is asked for.
func (l Limit) Take(at, expires time.Time) Update {
	at = at.UTC().Truncate(time.Millisecond)
	u := Update{AnyOf: []Match{{Below: l.Free}}, Add: 1, At: at, Expires: expires.UTC().Truncate(time.Second)}
	for i, w := range l.waits() {
		u.AnyOf = append(u.AnyOf, Match{Below: l.Free + i + 1, LastBy: at.Add(-w)})
	}
	u.AnyOf[len(u.AnyOf)-1].Below = 0
	return u
}

// window returns the number and the end of the window that at lies in, for a key whose windows are shifted.
func (l Limit) window(shift uint64, at time.Time) (number int64, end time.Time) {
	length := l.Window.Milliseconds()
	by := int64(shift % uint64(length))
	number = (at.UnixMilli() + by) / length
	return number, time.UnixMilli((number+1)*length - by).UTC()
}

// retryAfter is how long a refused attempt has to wait, in whole seconds, rounded up: sooner it would be refused again.
// With the window's end the counter begins anew.
func (l Limit) retryAfter(c Counter, at, end time.Time) time.Duration {
	left := min(c.Last.Add(l.wait(c.N)).Sub(at), end.Sub(at))
	return max(time.Second, (left + time.Second - 1).Truncate(time.Second))
}

// Most returns the greatest number of attempts that the limit grants in any span of length d, wherever windows end in
// it. Logins that succeed meanwhile give slots back and are not counted.
func (l Limit) Most(d time.Duration) int {
	// The span begins in a window in which nothing was tried before; x of it lie there. Less x with as many attempts
	// leaves more for the windows behind, so x is just enough for the last of them.
	behind := func(x time.Duration) int {
		return int((d-x)/l.Window)*l.within(l.Window) + l.within((d-x)%l.Window)
	}
	most := behind(0)
	n := l.Free
	for x := time.Millisecond; x <= min(d, l.Window); n++ {
		most = max(most, n+behind(x))
		x += l.wait(n)
	}
	return most
}

// within is how many attempts are granted in the first x of a window.
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
