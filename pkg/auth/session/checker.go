package session

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Checker tells if access tokens may still be used. Unlike a [Manager] it needs no keys, so a
// program that only guards requests holds no secret. Store and Subjects are required; a nil Now
// means time.Now. It is safe for concurrent use.
//
//	sessions := session.Checker{Store: db.Sessions(), Subjects: &user.Directory{Store: db.Users()}}
type Checker struct {
	Store    Store
	Subjects Subjects
	Now      func() time.Time
	// SessionsNotBefore is that of [Rules].
	SessionsNotBefore time.Time
}

// CheckToken reads the session and the user of a verified access token, in parallel. Of p it needs
// the Subject, the SessionID and the TokenVersion. If the SessionID is not the id of a session,
// CheckToken reads nothing.
//
// It returns the [Outcome] for which the token may not be used, or "" if it may: the session has
// ended, the user is missing or disabled, or the user's token version is higher than that of the
// session or the token. The error wraps [auth.ErrUnavailable] if a read failed; then nothing is
// decided.
//
// CheckToken goes on if ctx is cancelled: a client that hangs up must not look like a store that
// fails. The store bounds the time of its reads.
func (c Checker) CheckToken(ctx context.Context, p auth.Principal) (ended string, err error) {
	return c.manager().CheckToken(ctx, p)
}

// CheckOpaque is [Manager.CheckOpaque]. It accepts every client, since a Checker knows none.
func (c Checker) CheckOpaque(ctx context.Context, text auth.Secret) (Checked, error) {
	return c.manager().CheckOpaque(ctx, text)
}

func (c Checker) manager() *Manager {
	if c.Now == nil {
		c.Now = time.Now
	}
	rules := DefaultRules()
	rules.SessionsNotBefore = c.SessionsNotBefore
	return &Manager{c: Config{Store: c.Store, Subjects: c.Subjects, Now: c.Now, Rand: rand.Reader, Rules: rules}}
}

// CheckToken is [Checker.CheckToken] with the store, the users and the clock of the Manager.
func (m *Manager) CheckToken(ctx context.Context, p auth.Principal) (ended string, err error) {
	id, err := ParseID(p.SessionID)
	if err != nil {
		return string(OutcomeMissing), nil
	}
	_, u, err := m.Check(context.WithoutCancel(ctx), Key{Subject: p.Subject, ID: id})
	if refusal, ok := errors.AsType[*Refusal](err); ok && errors.Is(err, ErrEnded) {
		return string(refusal.Outcome), nil
	}
	if err == nil && p.TokenVersion.Below(u.TokenVersion) {
		return string(OutcomeSubjectSuperseded), nil
	}
	return "", err
}
