package session

import (
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Update is one conditional write to one session, as a value. That the session exists and is not revoked is a
// condition of every update, so nothing brings back what is missing and nothing touches a tombstone.
//
// It is all that a rule can ask of a store. Update.Do says what it means; every store must equal Do.
type Update struct {
	If  Condition
	Set Change
}

// Condition is what must hold of the item found. The zero Condition asks only for what every update asks for.
type Condition struct {
	// LiveAt demands that the idle and the absolute end lie after this instant; zero asks for neither.
	LiveAt time.Time
	// Client demands that the session is this client's; nil does not ask.
	Client *auth.ClientID
	// AnyOf demands that at least one matches; an empty list asks for none.
	AnyOf []Match
}

// Match is what a rotation asks of the generation found.
type Match struct {
	// Generation must be the session's. Where Below is not zero, any generation under Below will do instead.
	Generation, Below uint64
	// Parent must be the session's; nil does not ask.
	Parent *Branch
	// RotatedBy demands that the last rotation is no later; zero does not ask.
	RotatedBy time.Time
}

// Change is what is written; each part that is nil leaves its attributes alone.
type Change struct {
	Rotation   *Rotation
	Activity   *Activity
	Revocation *Revocation
	Label      *string
}

// Rotation begins a generation, or stamps it anew.
type Rotation struct {
	Generation uint64
	Parent     Branch
	At         time.Time
	Invocation Invocation
}

// Activity slides the idle end: to At plus the session's own idle timeout.
type Activity struct{ At time.Time }

// Revocation is a tombstone.
type Revocation struct {
	At     time.Time
	Reason Reason
}

// Do carries u out on the item found, where nil stands for a missing one, and reports whether its condition held.
// Where it did not, s is unchanged.
func (u Update) Do(s *Session) bool {
	if s == nil || s.Revocation != nil || !u.If.holds(s) {
		return false
	}
	u.Set.apply(s)
	return true
}

func (c Condition) holds(s *Session) bool {
	if !c.LiveAt.IsZero() && (!s.IdleEnd.After(c.LiveAt) || !s.AbsoluteEnd.After(c.LiveAt)) {
		return false
	}
	if c.Client != nil && *c.Client != s.Client {
		return false
	}
	return len(c.AnyOf) == 0 || slices.ContainsFunc(c.AnyOf, func(m Match) bool { return m.holds(s) })
}

func (m Match) holds(s *Session) bool {
	generation := s.Generation == m.Generation
	if m.Below != 0 {
		generation = s.Generation < m.Below
	}
	return generation &&
		(m.Parent == nil || *m.Parent == s.Parent) &&
		(m.RotatedBy.IsZero() || !s.RotatedAt.After(m.RotatedBy))
}

func (c Change) apply(s *Session) {
	if r := c.Rotation; r != nil {
		s.Generation, s.Parent, s.RotatedAt, s.Invocation = r.Generation, r.Parent, r.At, r.Invocation
	}
	if a := c.Activity; a != nil {
		s.LastSeen, s.IdleEnd = a.At, a.At.Add(s.IdleTimeout)
	}
	if c.Revocation != nil {
		revocation := *c.Revocation
		s.Revocation = &revocation
	}
	if c.Label != nil {
		s.Label = *c.Label
	}
}
