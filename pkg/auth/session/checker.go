package session

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Checker checks whether access tokens may still be used. Unlike a [Manager] it needs no keys, so a
// program that only guards requests holds no secret. Store and Subjects are required; a nil Now
// means time.Now. It is safe for concurrent use.
//
//	sessions := session.Checker{Store: db.Sessions(), Subjects: &user.Directory{Store: db.Users()}}
type Checker struct {
	Store    Store
	Subjects Subjects
	Now      func() time.Time
	// SessionsNotBefore has the same value as in [Rules].
	SessionsNotBefore time.Time
}

// CheckToken reads the session and the user of a verified access token, in parallel. It uses the
// Subject, the SessionID and the TokenVersion of p. If the SessionID is not the id of a session,
// CheckToken reads nothing.
//
// CheckToken returns "" if the token may be used. Otherwise it returns the [Outcome]: the session
// has ended, the user is missing or disabled, or the user's token version is higher than that of
// the session or the token. If a read failed, the error wraps [auth.ErrUnavailable] and decides
// nothing.
//
// CheckToken continues if ctx is cancelled: a client that disconnects must not look like a store
// that fails. The store bounds the time of its reads.
func (c Checker) CheckToken(ctx context.Context, p auth.Principal) (ended string, err error) {
	return c.manager().CheckToken(ctx, p)
}

// CheckOpaque does the same as [Manager.CheckOpaque]. It accepts every client, because a Checker
// does not know the configured clients.
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

// CheckToken does the same as [Checker.CheckToken] with the store, the users and the clock of the
// Manager.
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
