package login

import (
	"context"
	"slices"
	"time"
)

// Counter counts the attempts that one account, device or network was granted in one window. One that is missing from
// a store is the zero Counter.
type Counter struct {
	N    int       // attempts granted and not given back
	Last time.Time // when the last was granted, in whole milliseconds
	// Expires is when a store may forget the counter, in whole seconds. Nothing is inferred from its absence: the next
	// window has a counter of its own.
	Expires time.Time
}

// Update is one conditional write to one counter, as a value.
//
// It is all that the rules can ask of a store. Update.Do says what it means; every store must equal Do.
type Update struct {
	// AnyOf demands that at least one matches.
	AnyOf []Match
	// Add is added to N.
	Add int
	// At becomes Last and Expires becomes Expires; where At is zero, both stay. Only an Update that has At may match the
	// zero Counter, so that nothing is created without an end.
	At, Expires time.Time
}

// Match is what an update asks of the counter found. What is zero does not ask.
type Match struct {
	Least, Below int       // N is at least Least, and below Below
	LastBy       time.Time // Last is no later
	LastAt       time.Time // Last is this very instant
}

// Do carries u out on the counter found and reports whether its condition held. Where it did not, c is unchanged.
func (u Update) Do(c *Counter) bool {
	if !slices.ContainsFunc(u.AnyOf, func(m Match) bool { return m.holds(*c) }) {
		return false
	}
	c.N += u.Add
	if !u.At.IsZero() {
		c.Last, c.Expires = u.At, u.Expires
	}
	return true
}

func (m Match) holds(c Counter) bool {
	return c.N >= m.Least &&
		(m.Below == 0 || c.N < m.Below) &&
		(m.LastBy.IsZero() || !c.Last.After(m.LastBy)) &&
		(m.LastAt.IsZero() || c.Last.Equal(m.LastAt))
}

// Counters keeps counters. Package storetest is its definition; an implementation passes it. Errors wrap
// auth.ErrUnavailable where nothing is known. Counters are safe for concurrent use.
type Counters interface {
	// Update carries u out as u.Do does, atomically, on the counter under key. It returns the counter as it was before
	// and whether the condition held; where it did not, nothing is written.
	Update(ctx context.Context, key string, u Update) (before Counter, done bool, err error)
}

// Reset takes a counter back to zero if it is still as it was after the caller's own take: whoever took a slot since
// then is counted on.
func Reset(mine Counter) Update {
	return Update{AnyOf: []Match{{Least: mine.N, Below: mine.N + 1, LastAt: mine.Last}}, Add: -mine.N}
}

// Undo takes a counter back to before, if it is still as it was after the caller's own take.
func Undo(before, mine Counter) Update {
	u := Reset(mine)
	u.Add = -1
	if !before.Last.IsZero() { // of a counter that was not there only the count is undone
		u.At, u.Expires = before.Last, mine.Expires
	}
	return u
}

// GiveBack takes one attempt off a counter that has any.
func GiveBack() Update { return Update{AnyOf: []Match{{Least: 1}}, Add: -1} }
