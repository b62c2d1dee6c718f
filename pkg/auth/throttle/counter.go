package throttle

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Counter counts the granted attempts under one key in one window. A counter that is missing from
// the store is the zero Counter.
type Counter struct {
	N    int       // granted attempts, minus the released ones
	Last time.Time // time of the last granted attempt, in whole milliseconds
	// Expires is the time from which a store may delete the counter, in whole seconds. A missing
	// counter means zero attempts; the next window has another key.
	Expires time.Time
	// Mark identifies the write that created the counter, for [Once]. The counters of a limit have
	// no mark.
	Mark Mark
	// Sources holds the part of N of each source; see [Charge]. It has no zero counts.
	Sources map[string]int
}

// Mark is a random number that identifies one write, so that a retry after a lost reply recognizes
// it.
type Mark [8]byte

// Update is one conditional write to one counter, as a value. [Update.Do] defines its effect, and
// every store must have the same effect.
type Update struct {
	// AnyOf requires that at least one of its entries matches.
	AnyOf []Match
	// Add is added to N.
	Add int
	// Source is the key in Sources to which AddSource is added. An empty Source changes no entry.
	Source    string
	AddSource int
	// At replaces Last and Expires replaces Expires; if At is zero, both stay. Only an Update with
	// At may match the zero Counter, so that every counter expires. Mark replaces Mark if it is not
	// zero; a Mark requires At.
	At, Expires time.Time
	Mark        Mark
}

// Match is a condition on the current counter. A zero field requires nothing.
type Match struct {
	Least, Below int       // Least <= N < Below
	LastBy       time.Time // Last is not after LastBy
	LastAt       time.Time // Last equals LastAt
	SourceLeast  int       // the source has at least this many attempts
	SourceBelow  int       // the source has fewer attempts
	// Sooner holds alternatives to LastBy with later times, for sources with few attempts. One of
	// them is enough.
	Sooner []Sooner
}

// Sooner is satisfied if the source has fewer than Below attempts and Last is not after LastBy.
type Sooner struct {
	Below  int
	LastBy time.Time
}

// Do applies u to c and reports whether the condition held. If it did not, c is unchanged.
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

// counted returns a copy of the counts with n added to that of source. It returns nil if the copy
// is empty.
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

// holds reports whether the counter matches. source is the number of attempts of the source.
func (m Match) holds(c Counter, source int) bool {
	waited := m.LastBy.IsZero() || !c.Last.After(m.LastBy)
	for _, s := range m.Sooner {
		waited = waited || source < s.Below && !c.Last.After(s.LastBy)
	}
	return waited &&
		c.N >= m.Least &&
		(m.Below == 0 || c.N < m.Below) &&
		(m.LastAt.IsZero() || c.Last.Equal(m.LastAt)) &&
		source >= m.SourceLeast &&
		(m.SourceBelow == 0 || source < m.SourceBelow)
}

// Unlimited grants every attempt and stores nothing. It is for tests, and for deployments that
// limit attempts by other means.
var Unlimited Counters = unlimited{}

type unlimited struct{}

func (unlimited) Update(context.Context, string, Update) (Counter, bool, error) {
	return Counter{}, true, nil
}

// Counters stores counters. Package storetest defines its behaviour, and every implementation
// passes that suite. If the outcome of a call is unknown, the error wraps auth.ErrUnavailable.
// Implementations are safe for concurrent use.
type Counters interface {
	// Update applies u to the counter under key atomically, as u.Do does. It returns the counter
	// before the write and whether the condition held. If the condition did not hold, nothing is
	// written.
	Update(ctx context.Context, key string, u Update) (before Counter, done bool, err error)
}

// Reset returns the update that sets a counter and the source's part of it to zero, if the counter
// has not changed since the caller's own Take. After another attempt the counter stays as it is.
// The counts of other sources always stay.
//
// Attempts in the same millisecond may leave N and Last unchanged while the source has fewer
// attempts. The source's count is therefore a condition too: a store cannot read a negative count.
func Reset(mine Counter, source string) Update {
	return Update{
		AnyOf: []Match{{Least: mine.N, Below: mine.N + 1, LastAt: mine.Last, SourceLeast: mine.Sources[source]}}, Add: -mine.N,
		Source: source, AddSource: -mine.Sources[source],
	}
}

// Undo returns the update that restores the counter before the caller's Take, if the counter has
// not changed since Take.
func Undo(before, mine Counter, source string) Update {
	u := Reset(mine, source)
	u.Add = -1
	if source != "" {
		u.AddSource = -1
	}
	if !before.Last.IsZero() { // a counter that Take created keeps its Last and only loses the count
		u.At, u.Expires = before.Last, mine.Expires
	}
	return u
}

// GiveBack returns the update that releases one attempt of the source, if the source has one.
func GiveBack(source string) Update {
	u := Update{AnyOf: []Match{{Least: 1}}, Add: -1, Source: source}
	if source != "" {
		u.AnyOf[0].SourceLeast, u.AddSource = 1, -1
	}
	return u
}
