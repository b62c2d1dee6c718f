package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// StepUp opens a session that replaces another session after its user has proven the identity
// again. o.Subject and o.Client must be the subject and the client of the replaced session. StepUp
// writes first to one session and then to the other.
//
// The replaced session continues for [Rules.Handover], so that a lost answer causes no logout, but
// it issues no refresh tokens. It ends at the first refresh of the new session after the handover.
// If the client never receives the new session, the replaced session continues. The new session
// keeps the label and the delivery of the replaced session.
//
// An error that is a [*Refusal] wraps [ErrEnded] if the replaced session has ended,
// [ErrForeignClient] if it belongs to another client, and [auth.ErrUnavailable] if the store did
// not confirm a write. Any other error comes from [Manager.Open]. After an error the replaced
// session continues.
func (m *Manager) StepUp(ctx context.Context, replaces ID, o Opening) (Granted, error) {
	if err := m.check(o); err != nil {
		return Granted{}, err
	}
	if replaces == (ID{}) {
		return Granted{}, errors.New("session: StepUp has the zero ID (want the ID of the session to replace)")
	}
	key, now := Key{o.Subject.ID, replaces}, millis(m.c.Now())
	u := m.c.Rules.StepUp(now)
	u.If.Client = &o.Client.ID
	before, done, err := m.c.Store.Update(ctx, key, u)
	switch {
	case err != nil:
		return Granted{}, m.refuse(key, OutcomeFailed, fmt.Errorf("pausing a session: %w", err))
	case before == nil:
		return Granted{}, m.refuse(key, OutcomeMissing, nil)
	}
	after := *before
	if done != u.Do(&after) {
		return Granted{}, m.refuse(key, OutcomeFailed, fmt.Errorf("the store reported written=%t, against the rules", done))
	}
	if ended := m.c.Rules.ended(before, now); ended != "" {
		return Granted{}, m.refuse(key, ended, nil)
	}
	if !done {
		return Granted{}, m.refuse(key, OutcomeForeignClient, nil)
	}
	// The user was read before the write. A session that a later token version has ended must not
	// be replaced, because its user may have logged out everywhere.
	if outcome := subjectOutcome(o.Subject, nil, *before); outcome != "" {
		return Granted{}, m.refuse(key, outcome, nil)
	}
	o.Delivery, o.Remember = before.Delivery, before.Remember
	return m.open(ctx, o, *before)
}

// endReplaced revokes a session that another session has replaced, and the chain of sessions that
// it had replaced itself and that have not ended yet. It does nothing if the ID of key is zero. It
// returns the keys of the sessions that this call has revoked, even if a later write failed.
//
// The oldest session ends first. So a tombstone of a step-up means that the rest of the chain has
// ended, and a repeated call after an error finds the sessions that are left.
func (m *Manager) endReplaced(ctx context.Context, key Key) (ended []Key, err error) {
	ctx = context.WithoutCancel(ctx) // as in revoke
	var chain []Key
	for key.ID != (ID{}) {
		s, err := m.c.Store.Get(ctx, key)
		if errors.Is(err, auth.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading a replaced session: %w", err)
		}
		if s.Revocation != nil && s.Revocation.Reason == RevocationStepUp {
			break
		}
		if s.Revocation == nil {
			chain = append(chain, key)
		}
		key.ID = s.Replaces
	}
	for _, key := range slices.Backward(chain) {
		e, _, err := m.endOne(ctx, key, Revoke(millis(m.c.Now()), RevocationStepUp), OutcomeEnded)
		if err != nil {
			return ended, err
		}
		if e.Outcome == OutcomeEnded {
			ended = append(ended, key)
		}
	}
	return ended, nil
}
