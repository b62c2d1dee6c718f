package session

import (
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Update is one conditional write to one session, as a value. A rule can ask nothing else of a
// store. Every update requires that the session exists and is not revoked: an update creates no
// missing session and changes no tombstone.
//
// [Update.Do] defines what an Update means. Every store must behave the same.
type Update struct {
	If  Condition
	Set Change
}

// Condition is what must hold for the stored item. The zero Condition adds nothing to what every
// update requires.
type Condition struct {
	// LiveAt requires that the idle end and the absolute end are after this instant. Zero requires
	// nothing.
	LiveAt time.Time
	// CreatedFrom requires that the session was created at or after this instant, in whole
	// milliseconds. Zero requires nothing.
	CreatedFrom time.Time
	// Client requires that the session belongs to this client. nil requires nothing.
	Client *auth.ClientID
	// Kind and Profile must be the session's. Zero requires nothing.
	Kind    Kind
	Profile auth.Profile
	// ByCookie must equal [auth.Delivery.ByCookie] of the session's delivery. nil requires nothing.
	ByCookie *bool
	// UnpausedAt requires that [Session.PausedUntil] is not after this instant. Zero requires
	// nothing.
	UnpausedAt time.Time
	// IdleSince requires that the last use of the session is not after this instant. Zero requires
	// nothing.
	IdleSince time.Time
	// Known requires that each Known holds. An empty list requires nothing.
	Known []Known
	// AnyOf requires that at least one Match holds. An empty list requires nothing.
	AnyOf []Match
}

// Match is a condition on the stored generation.
type Match struct {
	// Generation must equal the session's. If Below is not zero, the session's generation must be
	// less than Below instead.
	Generation, Below uint64
	// Parent must be the session's. nil requires nothing.
	Parent *Branch
	// RotatedBy requires that the last rotation is not after this instant. Zero requires nothing.
	RotatedBy time.Time
}

// Change is what an update writes. A nil field leaves its attributes unchanged.
type Change struct {
	Rotation   *Rotation
	Activity   *Activity
	Revocation *Revocation
	Pause      *Pause
	Label      *string
	// Facts are the facts to remember in [Session.Trace]. Unknown facts are ignored.
	Facts *Facts
	// TokenVersion keeps the session when the token version of its user rises; see [Raise].
	TokenVersion *uint64
}

// Rotation begins a generation, or renews RotatedAt of the current one.
type Rotation struct {
	Generation uint64
	Parent     Branch
	At         time.Time
	Invocation Invocation
}

// Activity moves the idle end to At plus the session's own idle timeout.
type Activity struct{ At time.Time }

// Pause sets [Session.PausedUntil].
type Pause struct{ Until time.Time }

// Revocation is a tombstone.
type Revocation struct {
	At     time.Time
	Reason RevocationReason
	// Invocation marks the write of a logout or of [Manager.Revoke], so that a retry of that write
	// recognises its own tombstone. The zero Invocation marks nothing.
	Invocation Invocation
}

// Do applies u to s and reports whether its condition held. s is nil if the item does not exist. If
// the condition did not hold, s is unchanged.
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
	if s.CreatedAt.Before(c.CreatedFrom) {
		return false
	}
	if c.Client != nil && *c.Client != s.Client {
		return false
	}
	if c.Kind != 0 && c.Kind != s.Kind {
		return false
	}
	if c.Profile != 0 && c.Profile != s.Profile {
		return false
	}
	if c.ByCookie != nil && *c.ByCookie != s.Delivery.ByCookie() {
		return false
	}
	if !c.UnpausedAt.IsZero() && s.PausedUntil.After(c.UnpausedAt) {
		return false
	}
	if !c.IdleSince.IsZero() && s.LastSeen.After(c.IdleSince) {
		return false
	}
	if slices.ContainsFunc(c.Known, func(k Known) bool { return !k.holds(s) }) {
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
	if c.Pause != nil {
		s.PausedUntil = c.Pause.Until
	}
	if c.Label != nil {
		s.Label = *c.Label
	}
	if c.Facts != nil {
		s.Trace.keep(*c.Facts)
	}
	if c.TokenVersion != nil {
		s.TokenVersion = *c.TokenVersion
	}
}
