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

// Hand stores a login or reset flow whose code an operator hands over, for a user who gets no mail.
// p must be PurposeLogin or PurposeReset, and the user must not be disabled. Begun.Session and the
// code in Begun.Message together let their bearer in, so the operator must know the person who gets
// them. The flow proves no mailbox: the address of the user does not become verified. The flow
// counts on no limit of mails. The error wraps the error of the store or of the keys.
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
