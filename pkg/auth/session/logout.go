package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Ended is the result of a logout that succeeded. In all its outcomes the refresh token is
// worthless now.
type Ended struct {
	// Outcome is OutcomeLoggedOut; OutcomeRevoked if the session was revoked before; OutcomeMissing if
	// there is no such session; OutcomeForged if the token is not authentic; or OutcomeKeyDropped if
	// its key was dropped.
	Outcome Outcome
	// Session names the session; it is zero if the token was not authentic. Client is the session's
	// client; it is empty if there is no such session.
	Session Key
	Client  auth.ClientID
}

// Logout ends the session of a refresh token by one write. It accepts every token that was ever
// issued for the session, of any generation: a client that missed the last rotation must be able to
// log out too. client is the client that the request names, or nil if it names none.
//
// Every error is a [*Refusal]. It wraps [ErrForeignClient] if the session belongs to another
// client, and [auth.ErrUnavailable] if the keys cannot be read or the store did not confirm the
// write. In the last case the session may still be open.
func (m *Manager) Logout(ctx context.Context, text auth.Secret, client *auth.ClientID) (Ended, error) {
	token, err := m.codec.Parse(ctx, text)
	var refusal *Refusal
	if errors.Is(err, ErrEnded) && errors.As(err, &refusal) {
		return Ended{Outcome: refusal.Outcome}, nil
	}
	if err != nil {
		return Ended{}, err
	}
	key := token.Key()
	u := Revoke(millis(m.c.Now()), RevocationLogout)
	u.If.Client = client
	// A logout must not be cancelled by a client that hangs up: a page that is being closed often
	// does.
	before, done, err := m.c.Store.Update(context.WithoutCancel(ctx), key, u)
	if err != nil {
		return Ended{}, m.refuse(key, OutcomeFailed, fmt.Errorf("logging out: %w", err))
	}
	if before == nil {
		return Ended{Outcome: OutcomeMissing, Session: key}, nil
	}
	after := *before
	if done != u.Do(&after) {
		return Ended{}, m.refuse(key, OutcomeFailed, fmt.Errorf("the store reported written=%t, against the rules", done))
	}
	switch e := (Ended{Session: key, Client: before.Client}); {
	case done:
		e.Outcome = OutcomeLoggedOut
		return e, nil
	case before.Revocation != nil:
		e.Outcome = OutcomeRevoked
		return e, nil
	}
	return Ended{}, m.refuse(key, OutcomeForeignClient, nil)
}
