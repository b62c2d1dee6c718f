package session

import (
	"context"
	"errors"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Check returns a session that has not ended, and its user as of now: for what an access token alone must not do, since it
// lives on for minutes after its session. Two reads, at the same time.
//
// Every error is a *Refusal. It wraps ErrEnded where session or user are no more, and auth.ErrUnavailable where nothing is known.
func (m *Manager) Check(ctx context.Context, key Key) (Session, auth.Subject, error) {
	var (
		s   Session
		err error
	)
	subject, subjectErr := m.beside(ctx, key.Subject, func() { s, err = m.Store.Get(ctx, key) })
	outcome := Outcome("")
	switch {
	case errors.Is(err, auth.ErrNotFound):
		outcome, err = Missing, nil
	case err != nil:
		outcome = Failed
	default:
		if outcome = s.ended(Millis(m.Now())); outcome == "" {
			outcome, err = subjectOutcome(subject, subjectErr, s), subjectErr
		}
	}
	if outcome != "" {
		return Session{}, auth.Subject{}, m.refuse(key, outcome, err)
	}
	return s, subject, nil
}
