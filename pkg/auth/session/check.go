package session

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Check reads the current state of a session and its user. Use it to guard requests for which an
// access token alone is not enough: an access token is valid for minutes after its session has
// ended. Check does its two reads in parallel. If the user has a newer token version than the
// session, one more read confirms that the session has ended.
//
// Every error is a [*Refusal]. It wraps [ErrEnded] if the session has ended or its user is missing,
// disabled or superseded, and [auth.ErrUnavailable] if a read failed.
func (m *Manager) Check(ctx context.Context, key Key) (Session, auth.Subject, error) {
	var (
		s   Session
		err error
	)
	subject, subjectErr := m.beside(ctx, key.Subject, func() { s, err = m.c.Store.Get(ctx, key) })
	outcome := Outcome("")
	switch {
	case errors.Is(err, auth.ErrNotFound):
		outcome, err = OutcomeMissing, nil
	case err != nil:
		outcome = OutcomeFailed
	default:
		if ended := m.c.Rules.ended(&s, millis(m.c.Now())); ended != "" {
			return Session{}, auth.Subject{}, refusalOf(key, ended, s)
		}
		outcome, err = subjectOutcome(subject, subjectErr, s), subjectErr
	}
	if outcome == OutcomeSubjectSuperseded {
		if s, err = m.kept(ctx, s, subject); err != nil {
			return Session{}, auth.Subject{}, err
		}
		return s, subject, nil
	}
	if outcome != "" {
		return Session{}, auth.Subject{}, m.refuse(key, outcome, err)
	}
	return s, subject, nil
}

// kept reads a session again whose version is lower than its user's. [Manager.EndOthers] may have
// raised both versions after the session was read and before the user was read. A refresh of the
// kept session at that moment must not log it out. kept returns the session with its current token
// version, or a [*Refusal] if the session has ended.
func (m *Manager) kept(ctx context.Context, before Session, u auth.Subject) (Session, error) {
	now, err := m.c.Store.Get(ctx, before.Key)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return Session{}, m.refuse(before.Key, OutcomeMissing, nil)
	case err != nil:
		return Session{}, m.refuse(before.Key, OutcomeFailed, err)
	}
	outcome := m.c.Rules.ended(&now, millis(m.c.Now()))
	if outcome == "" {
		outcome = subjectOutcome(u, nil, now)
	}
	if outcome != "" {
		return Session{}, m.refuse(before.Key, outcome, nil)
	}
	before.TokenVersion = now.TokenVersion
	return before, nil
}
