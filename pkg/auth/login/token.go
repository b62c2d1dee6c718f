package login

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ErrNoToken is every way of not being a token of the kind that is asked for: junk, another kind, forged, too old, used.
// It carries no detail: none would help an honest client.
var ErrNoToken = errors.New("not a valid token of this issuer")

// DeviceLifetime is how long a known-device token vouches for its device.
const DeviceLifetime = 180 * 24 * time.Hour

// deviceKind is the form of known-device tokens.
var deviceKind = sealed.Kind{
	Form: sealed.Form{
		Prefix: "edt_", Version: 3<<4 | 1,
		Least: headBytes + 1 + tailBytes, Most: headBytes + auth.MaxSubjectBytes + tailBytes,
	},
	KeyAt: 1, Purpose: "edgeauth known-device token 1",
}

// voucher is what a known-device token says:
//
//	edt_ + base64url( kind and version 1 | key id 2 | subject form 1 | subject | token version 8 | id 16 |
//	                    issue time 5 | HMAC-SHA-256 of all before, truncated to 16 | CRC-32 of all before 4 )
//
// Numbers, the subject's forms and the one spelling are as in a refresh token (session.Codec).
type voucher struct {
	Subject auth.SubjectID
	// TokenVersion is the user's when it was made: a changed password ends it.
	TokenVersion uint64
	ID           DeviceID // random
	IssuedAt     time.Time
}

// vouchesFor reports whether the user is the one it was made for, with nothing changed since.
func (v voucher) vouchesFor(subject auth.SubjectID, tokenVersion uint64) bool {
	return v.Subject == subject && v.TokenVersion == tokenVersion
}

// DeviceID names a known device; the zero DeviceID is none.
type DeviceID [16]byte

// The bytes before the subject: kind and version, key id, subject form. The bytes after it: token version, id, issue time.
const (
	headBytes = 1 + 2 + 1
	tailBytes = 8 + len(DeviceID{}) + sealed.TimeBytes
)

// seal returns the text of v under the newest key.
func seal(ctx context.Context, keys Keys, v voucher) (auth.Secret, error) {
	key, err := keys.SealingKey(ctx)
	if err != nil {
		return auth.Secret{}, fmt.Errorf("reading the login keys: %w", err)
	}
	b, err := v.body(deviceKind.Version, key.ID)
	if err != nil {
		return auth.Secret{}, err
	}
	return deviceKind.Seal(b, key)
}

// body returns the bytes of v that are sealed.
func (v voucher) body(version byte, keyID uint16) ([]byte, error) {
	b := binary.BigEndian.AppendUint16([]byte{version}, keyID)
	b, err := sealed.AppendSubject(b, v.Subject)
	if err != nil {
		return nil, err
	}
	b = binary.BigEndian.AppendUint64(b, v.TokenVersion)
	b = append(b, v.ID[:]...)
	return sealed.AppendTime(b, v.IssuedAt)
}

// parse returns the content of an authentic known-device token that is not too old; otherwise the error is ErrNoToken. It
// wraps auth.ErrUnavailable if the keys cannot be read.
func parse(ctx context.Context, keys Keys, text auth.Secret, now time.Time) (voucher, error) {
	token, ok := deviceKind.Read(text)
	if !ok {
		return voucher{}, ErrNoToken
	}
	key, err := keys.LoginKey(ctx, token.KeyID)
	if errors.Is(err, auth.ErrNotFound) {
		return voucher{}, ErrNoToken
	}
	if err != nil {
		return voucher{}, fmt.Errorf("reading the login keys: %w", err)
	}
	body, ok, err := token.Verify(key)
	if err != nil {
		return voucher{}, err
	}
	if !ok {
		return voucher{}, ErrNoToken
	}
	v, ok := readVoucher(body)
	if !ok || !now.Before(v.IssuedAt.Add(DeviceLifetime)) {
		return voucher{}, ErrNoToken
	}
	return v, nil
}

// readVoucher parses the bytes that the MAC has authenticated.
func readVoucher(b []byte) (voucher, bool) {
	subject, tail := b[headBytes:len(b)-tailBytes], b[len(b)-tailBytes:]
	var v voucher
	var ok bool
	if v.Subject, ok = sealed.ReadSubject(b[headBytes-1], subject); !ok {
		return voucher{}, false
	}
	v.TokenVersion = binary.BigEndian.Uint64(tail)
	v.ID = DeviceID(tail[8 : 8+len(v.ID)])
	v.IssuedAt = sealed.ReadTime(tail[8+len(v.ID):])
	return v, true
}
