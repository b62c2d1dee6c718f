package throttle

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Counter counts the attempts that were granted under one key in one window. A counter that is missing from a store is
// the zero Counter.
type Counter struct {
	N    int       // attempts granted and not given back
	Last time.Time // when the last was granted, in whole milliseconds
	// Expires is when a store may forget the counter, in whole seconds. Its absence means nothing:
	// the next window has a counter of its own.
	Expires time.Time
	// Mark names the write that made the counter, for [Once]. The counters of a limit have none.
	Mark Mark
	// Sources counts the attempts of N by their source; see [Charge]. It holds no zero.
	Sources map[string]int
}

// Mark is a random number that names one write, so that its repetition after a lost reply is known.
type Mark [8]byte

// Update is one conditional write to one counter, as a value. [Update.Do] says what it means, and every store must equal
// Do.
type Update struct {
	// AnyOf demands that at least one of its entries matches.
	AnyOf []Match
	// Add is added to N.
	Add int
	// Source names the entry of Sources that the update is about, and AddSource is added to it. An
	// empty Source names no entry.
	Source    string
	AddSource int
	// At becomes Last and Expires becomes Expires; if At is zero, both stay. Only an Update that has At may match the zero
	// Counter, so that no counter is made without an end. Mark becomes Mark unless it is zero; it goes with an At.
	At, Expires time.Time
	Mark        Mark
}

// Match is what an update demands of the counter found. A zero field demands nothing.
type Match struct {
	Least, Below int       // N is at least Least, and below Below
	LastBy       time.Time // Last is no later
	LastAt       time.Time // Last is this very instant
	SourceLeast  int       // the update's source has at least so many attempts
	// Sooner names later instants than LastBy, any of which is enough for a source with few attempts.
	Sooner []Sooner
}

// Sooner is met by a source with fewer than Below attempts if Last is no later than LastBy.
type Sooner struct {
	Below  int
	LastBy time.Time
}

// Do carries u out on the counter found and reports whether its condition held. If it did not, c is unchanged.
func (u Update) Do(c *Counter) bool {
	if !slices.ContainsFunc(u.AnyOf, func(m Match) bool { return m.holds(*c, c.Sources[u.Source]) }) {
		return false
	}
	c.N += u.Add
	if u.Source != "" && u.AddSource != 0 {
		c.Sources = counted(c.Sources, u.Source, u.AddSource)
	}
	if !u.At.IsZero() {
		c.Last, c.Expires = u.At, u.Expires
		if u.Mark != (Mark{}) {
			c.Mark = u.Mark
		}
	}
	return true
}

// counted returns a copy of the counts, nil if it is empty, with n added to that of source.
func counted(sources map[string]int, source string, n int) map[string]int {
	after := map[string]int{source: n}
	for s, had := range sources {
		after[s] += had
	}
	maps.DeleteFunc(after, func(_ string, n int) bool { return n == 0 })
	if len(after) == 0 {
		return nil
	}
	return after
}

// holds reports whether the counter matches, whose source has so many attempts.
func (m Match) holds(c Counter, source int) bool {
	waited := m.LastBy.IsZero() || !c.Last.After(m.LastBy)
	for _, s := range m.Sooner {
		waited = waited || source < s.Below && !c.Last.After(s.LastBy)
	}
	return waited &&
		c.N >= m.Least &&
		(m.Below == 0 || c.N < m.Below) &&
		(m.LastAt.IsZero() || c.Last.Equal(m.LastAt)) &&
		source >= m.SourceLeast
}

// Counters keeps counters. Package storetest defines it; every implementation passes that suite. Errors wrap
// auth.ErrUnavailable if the outcome is unknown. Implementations are safe for concurrent use.
type Counters interface {
	// Update carries u out as u.Do does, atomically, on the counter under key. It returns the counter as it was before
	// and whether the condition held; if it did not, nothing is written.
	Update(ctx context.Context, key string, u Update) (before Counter, done bool, err error)
}

// Reset takes a counter back to zero, and the source's part of it, if it is still as it was after the caller's own take.
// If another attempt took a slot since then, the count stays. The counts of other sources stay.
func Reset(mine Counter, source string) Update {
	return Update{
		AnyOf: []Match{{Least: mine.N, Below: mine.N + 1, LastAt: mine.Last}}, Add: -mine.N,
		Source: source, AddSource: -mine.Sources[source],
	}
}

// Undo takes a counter back to before, if it is still as it was after the caller's own take.
func Undo(before, mine Counter, source string) Update {
	u := Reset(mine, source)
	u.Add = -1
	if source != "" {
		u.AddSource = -1
	}
	if !before.Last.IsZero() { // if the counter was missing before, only the count is undone
		u.At, u.Expires = before.Last, mine.Expires
	}
	return u
}

// GiveBack takes one attempt of the source off a counter that has any.
func GiveBack(source string) Update {
	u := Update{AnyOf: []Match{{Least: 1}}, Add: -1, Source: source}
	if source != "" {
		u.AnyOf[0].SourceLeast, u.AddSource = 1, -1
	}
	return u
}
