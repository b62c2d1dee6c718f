package flow

import (
	"context"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ShortCodes makes the codes of m short enough to try all of them.
func (m *Manager) ShortCodes(digits int) { m.digits = digits }

// ID is the id of a flow.
type ID = id

// Parse returns the key and the id of the flow of an auth_session.
func (m *Manager) Parse(session auth.Secret) (Key, ID, error) {
	o, _, err := parse(context.Background(), m.Keys, session)
	return o.ID.key(), o.ID, err
}

// CodeMAC returns what a store keeps of a code, and NewCode a new code.
var (
	CodeMAC = codeMAC
	NewCode = newCode
)

// Reseal returns the auth_session with other hints, under a stolen key.
func Reseal(key auth.LoginKey, i ID, p Purpose, client auth.ClientID, from *Manager) (auth.Secret, error) {
	return opening{Purpose: p, ID: i, Client: client, IssuedAt: from.Now()}.seal(key)
}
