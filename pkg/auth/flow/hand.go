package flow

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Hand makes a flow of a login or a reset for a user who gets no mail. Begun.Session and the
// code of Begun.Message together let their bearer in, so an operator hands both over to a person whom
// they know. The flow proves no mailbox: the address of the user does not count as verified by it. No limit
// of mails counts it. The error wraps the error of the store.
func Hand(ctx context.Context, store Store, keys throttle.Keys, p Purpose, client auth.ClientID, u user.User, at time.Time) (Begun, error) {
	switch {
	case p != PurposeLogin && p != PurposeReset:
		return Begun{}, fmt.Errorf("flow: %v cannot be handed over (want login or reset)", p)
	case client == "" || len(client) > maxClientBytes:
		return Begun{}, fmt.Errorf("flow: the client has %d bytes (want 1 to %d)", len(client), maxClientBytes)
	case u.Disabled:
		return Begun{}, errors.New("flow: the user is disabled")
	}
	key, err := keys.SealingKey(ctx)
	if err != nil {
		return Begun{}, fmt.Errorf("reading the login keys: %w", err)
	}
	x := beginning{
		Request: Request{Purpose: p, Client: client, Email: u.Email}, at: at, user: u, known: true, handed: true,
		m: &Manager{Config: Config{Store: store, Rand: rand.Reader}, digits: codeDigits},
	}
	return x.make(ctx, key)
}
