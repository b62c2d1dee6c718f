package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Ended is what a logout came to. Whatever it says, the refresh token opens nothing any more.
type Ended struct {
	Outcome Outcome // LoggedOut; Revoked where the session was over before; Missing or Forged where there was none
	// Session names the session where the token was authentic, and Client is whose it was where it was found.
	Session Key
	Client  auth.ClientID
}

// Logout ends the session of a refresh token by one write. Any token that was ever issued for the session will do, of
// whatever generation: a client that missed the last rotation must be able to log out too. client is who asks; nil
// where the request does not say.
//
// Every error is a *Refusal. It wraps ErrForeignClient where the session is another client's, and auth.ErrUnavailable
// where the store did not confirm: the session may still be open then.
func (m *Manager) Logout(ctx context.Context, text auth.Secret, client *auth.ClientID) (Ended, error) {
	token, err := m.Codec.Parse(ctx, text)
	if errors.Is(err, ErrEnded) {
		return Ended{Outcome: Forged}, nil
	}
	if err != nil {
		return Ended{}, err
	}
	key := token.Key()
	u := Revoke(Millis(m.Now()), ReasonLogout)
	u.If.Client = client
	// As for any revocation, hanging up stops nothing: a page that is being left often does.
	before, done, err := m.Store.Update(context.WithoutCancel(ctx), key, u)
	if err != nil {
		return Ended{}, m.refuse(key, Failed, fmt.Errorf("logging out: %w", err))
	}
	if before == nil {
		return Ended{Outcome: Missing, Session: key}, nil
	}
	after := *before
	if done != u.Do(&after) {
		return Ended{}, m.refuse(key, Failed, fmt.Errorf("the store wrote (%t) against the rules", done))
	}
	switch e := (Ended{Session: key, Client: before.Client}); {
	case done:
		e.Outcome = LoggedOut
		return e, nil
	case before.Revocation != nil:
		e.Outcome = Revoked
		return e, nil
	}
	return Ended{}, m.refuse(key, ForeignClient, nil)
}
