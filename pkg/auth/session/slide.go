package session

import (
	"context"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Checked is the result of [Manager.CheckOpaque].
type Checked struct {
	Session Session
	Subject auth.Subject
	// Ended are the sessions that this session has replaced and that the call has ended, for the
	// audit log.
	Ended []Key
	// SlideErr is why the idle end could not be moved when it was due, or nil. The next use moves
	// it.
	SlideErr error
}

// CheckOpaque reads the session of an opaque token and its user in parallel, like [Manager.Check].
// If the session was not used for [Rules.SlideInterval], CheckOpaque moves its idle end by one
// conditional write. It needs no keys.
//
// CheckOpaque detects no theft: a copy of the token works and moves the idle end like the original.
//
// Every error is a [*Refusal]. It wraps [ErrEnded] if the token is not valid, [ErrUnknownClient] if
// the session's client is not configured, and [auth.ErrUnavailable] if a read failed; a failed read
// decides nothing. A failed write refuses nothing: its error is in Checked.SlideErr. CheckOpaque
// continues if ctx is cancelled, like [Checker.CheckToken].
func (m *Manager) CheckOpaque(ctx context.Context, text auth.Secret) (Checked, error) {
	token, ok := ParseOpaque(text)
	if !ok {
		return Checked{}, forged(errNotOpaque)
	}
	ctx = context.WithoutCancel(ctx)
	s, u, err := m.Check(ctx, token.Key())
	switch {
	case err != nil:
		return Checked{}, err
	case s.Kind != OpaqueKind:
		// The holder of a refresh token has its session's secret and can write this opaque token.
		// If it were accepted, a copy of the refresh token could be used without a rotation.
		return Checked{}, m.refuse(s.Key, OutcomeForged, errNotOpaque)
	case !m.has(s.Client):
		return Checked{}, m.refuse(s.Key, OutcomeUnknownClient, nil)
	}
	c := Checked{Session: s, Subject: u}
	if err := m.slide(ctx, &c); err != nil {
		return Checked{}, err
	}
	return c, nil
}

// LogoutOpaque ends the session of an opaque token by one write, like [Manager.Logout] for a
// refresh token. If this session has replaced another session by a step-up, that session ends too.
func (m *Manager) LogoutOpaque(ctx context.Context, text auth.Secret, client *auth.ClientID) (Ended, error) {
	token, ok := ParseOpaque(text)
	if !ok {
		return Ended{Outcome: OutcomeForged}, nil
	}
	return m.logout(ctx, token.Key(), OpaqueKind, client)
}

// slide moves the idle end of a session that was just checked, if this is due. An error means that
// the session has ended since it was read. Every other fault is in c.SlideErr.
func (m *Manager) slide(ctx context.Context, c *Checked) error {
	now := millis(m.c.Now())
	u := m.c.Rules.Slide(now)
	if due := c.Session; !u.Do(&due) {
		return nil
	}
	if m.c.Rules.handedOver(&c.Session, now) {
		// The replaced session must end before this session is marked as used after the handover.
		// Otherwise no later use would end it.
		if c.Ended, c.SlideErr = m.endReplaced(ctx, Key{c.Session.Subject, c.Session.Replaces}); c.SlideErr != nil {
			return nil
		}
	}
	before, done, err := m.c.Store.Update(ctx, c.Session.Key, u)
	switch {
	case err != nil:
		c.SlideErr = fmt.Errorf("moving the idle end of a session: %w", err)
		return nil
	case before == nil:
		return m.refuse(c.Session.Key, OutcomeMissing, nil)
	}
	if ended := m.c.Rules.ended(before, now); ended != "" {
		return refusalOf(c.Session.Key, ended, *before)
	}
	if u.Do(before) != done {
		c.SlideErr = fmt.Errorf("moving the idle end of a session: the store reported written=%t, against the rules", done)
		return nil
	}
	c.Session = *before
	return nil
}
