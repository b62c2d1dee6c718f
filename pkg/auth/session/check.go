package session

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Check reads a session and its user as they are now. Use it to guard requests that an access token
// alone must not open: an access token lives on for minutes after its session has ended. Check does
// its two reads in parallel.
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
	if outcome != "" {
		return Session{}, auth.Subject{}, m.refuse(key, outcome, err)
	}
	return s, subject, nil
}
