package flow

import (
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// Update is one conditional write to one flow, as a value. Every update requires that the flow
// exists and is not spent. [Update.Do] defines its effect, and every store must have the same
// effect.
type Update struct {
	If  Condition
	Set Change
}

// Condition is what must hold for the stored flow. A zero field requires nothing.
type Condition struct {
	// LiveAt requires that the flow ends after this instant, in whole milliseconds.
	LiveAt time.Time
	// TriesLeft requires that at least this many tries are left.
	TriesLeft int
	// Mark requires that the last counted try has another mark.
	Mark throttle.Mark
}

// Change is what an update writes. A zero field changes nothing.
type Change struct {
	AddTries    int // added to Flow.TriesLeft
	Mark, Spent throttle.Mark
	Proven      bool
}

// Do applies u to f and reports whether the condition held. If it did not, f is unchanged.
func (u Update) Do(f *Flow) bool {
	switch {
	case f.Spent != (throttle.Mark{}),
		!u.If.LiveAt.IsZero() && !f.Ends.After(u.If.LiveAt),
		f.TriesLeft < u.If.TriesLeft,
		u.If.Mark != (throttle.Mark{}) && f.Mark == u.If.Mark:
		return false
	}
	f.TriesLeft += u.Set.AddTries
	if u.Set.Mark != (throttle.Mark{}) {
		f.Mark = u.Set.Mark
	}
	if u.Set.Spent != (throttle.Mark{}) {
		f.Spent = u.Set.Spent
	}
	f.Proven = f.Proven || u.Set.Proven
	return true
}

// count returns the write that counts a try. The try is counted before the code is compared, so
// that parallel tries cannot all find the same number left. A retry after a lost reply does not
// count twice.
func count(at time.Time, mark throttle.Mark) Update {
	return Update{
		If:  Condition{LiveAt: at.UTC().Truncate(time.Millisecond), TriesLeft: 1, Mark: mark},
		Set: Change{AddTries: -1, Mark: mark},
	}
}

// counted reports whether the write of [count] took effect.
func counted(before *Flow, done bool, mark throttle.Mark) bool {
	return done || before != nil && before.Mark == mark
}

// spend returns the write that makes the flow unusable.
func spend(mark throttle.Mark) Update { return Update{Set: Change{Spent: mark}} }

// spent reports whether the write of [spend] took effect.
func spent(before *Flow, done bool, mark throttle.Mark) bool {
	return done || before != nil && before.Spent == mark
}

// giveBack returns the write that gives a try back, records a right code, or both.
func giveBack(try, proven bool) Update {
	u := Update{Set: Change{Proven: proven}}
	if try {
		u.Set.AddTries = 1
	}
	return u
}
