package flow

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
)

// An auth_session, in the words of draft-ietf-oauth-first-party-apps:
//
//	eas_ + base64url( kind and version 1 | key id 2 | purpose 1 | id 16 | client 1 to 64 | issue time 5 |
//	                    HMAC-SHA-256 of all before, truncated to 16 | CRC-32 of all before 4 )
//
// The seal lets the server refuse a made-up text without a read of the store. Purpose, client and
// issue time are hints: the item of the flow decides.
var sessionKind = sealed.Kind{
	Form: sealed.Form{
		Prefix: "eas_", Version: 5<<4 | 1,
		Least: headBytes + 1 + sealed.TimeBytes, Most: headBytes + maxClientBytes + sealed.TimeBytes,
	},
	KeyAt: 1, Purpose: "edgeauth auth_session 1",
}

const (
	headBytes      = 1 + 2 + 1 + len(id{})
	maxClientBytes = 64
)

// opening is the content of an auth_session.
type opening struct {
	Purpose  Purpose
	ID       id
	Client   auth.ClientID
	IssuedAt time.Time
}

// seal returns the text of o under the key.
func (o opening) seal(key auth.LoginKey) (auth.Secret, error) {
	b := binary.BigEndian.AppendUint16([]byte{sessionKind.Version}, key.ID)
	b = append(b, byte(o.Purpose))
	b = append(append(b, o.ID[:]...), o.Client...)
	b, err := sealed.AppendTime(b, o.IssuedAt)
	if err != nil {
		return auth.Secret{}, err
	}
	return sessionKind.Seal(b, key)
}

// errForged means that a text is not an auth_session of this issuer.
var errForged = errors.New("not an auth_session of this issuer")

// parse returns the content of an authentic auth_session and the key that sealed it, or errForged.
// If the keys cannot be read, the error wraps auth.ErrUnavailable.
func parse(ctx context.Context, keys login.Keys, text auth.Secret) (opening, auth.LoginKey, error) {
	token, ok := sessionKind.Read(text)
	if !ok {
		return opening{}, auth.LoginKey{}, errForged
	}
	key, err := keys.LoginKey(ctx, token.KeyID)
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return opening{}, auth.LoginKey{}, errForged
	case err != nil:
		return opening{}, auth.LoginKey{}, fmt.Errorf("reading the login keys: %w", err)
	}
	b, ok, err := token.Verify(key)
	if err != nil {
		return opening{}, auth.LoginKey{}, err
	}
	if !ok {
		return opening{}, auth.LoginKey{}, errForged
	}
	return opening{
		Purpose: Purpose(b[3]), ID: id(b[4:headBytes]), Client: auth.ClientID(b[headBytes : len(b)-sealed.TimeBytes]),
		IssuedAt: token.IssuedAt(),
	}, key, nil
}
