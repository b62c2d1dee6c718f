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

// ErrNoToken means that a text is not a valid token of the expected kind: malformed, of another
// kind, forged, expired or used. It carries no detail, because no detail would help an honest
// client.
var ErrNoToken = errors.New("not a valid token of this issuer")

// DeviceLifetime is the lifetime of a known-device token.
const DeviceLifetime = 180 * 24 * time.Hour

// deviceKind is the kind of known-device tokens.
var deviceKind = sealed.Kind{
	Form: sealed.Form{
		Prefix: "edt_", Version: 3<<4 | 1,
		Least: headBytes + 1 + tailBytes, Most: headBytes + auth.MaxSubjectBytes + tailBytes,
	},
	KeyAt: 1, Purpose: "edgeauth known-device token 1",
}

// voucher is the content of a known-device token:
//
//	edt_ + base64url( kind and version 1 | key id 2 | subject form 1 | subject | token version 8 | id 16 |
//	                    issue time 5 | HMAC-SHA-256 of all before, truncated to 16 | CRC-32 of all before 4 )
//
// Numbers, subject forms and the single spelling are the same as in refresh tokens (session.Codec).
type voucher struct {
	Subject auth.SubjectID
	// TokenVersion is the user's TokenVersion at the time of issue. A password change invalidates
	// the token.
	TokenVersion uint64
	ID           deviceID // random
	IssuedAt     time.Time
}

// vouchesFor reports whether the token was issued to this user, with no password change since.
func (v voucher) vouchesFor(subject auth.SubjectID, tokenVersion uint64) bool {
	return v.Subject == subject && v.TokenVersion == tokenVersion
}

// deviceID is the random id of a known device. The zero DeviceID means no device.
type deviceID [16]byte

// headBytes precede the subject: kind and version, key id, subject form. tailBytes follow it: token
// version, id, issue time.
const (
	headBytes = 1 + 2 + 1
	tailBytes = 8 + len(deviceID{}) + sealed.TimeBytes
)

// seal returns the text of v under the current key.
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

// body returns the bytes of v to be sealed.
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

// parse returns the content of an authentic, unexpired known-device token, or ErrNoToken. If the
// keys cannot be read, the error wraps auth.ErrUnavailable.
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

// readVoucher parses bytes that the MAC has authenticated.
func readVoucher(b []byte) (voucher, bool) {
	subject, tail := b[headBytes:len(b)-tailBytes], b[len(b)-tailBytes:]
	var v voucher
	var ok bool
	if v.Subject, ok = sealed.ReadSubject(b[headBytes-1], subject); !ok {
		return voucher{}, false
	}
	v.TokenVersion = binary.BigEndian.Uint64(tail)
	v.ID = deviceID(tail[8 : 8+len(v.ID)])
	v.IssuedAt = sealed.ReadTime(tail[8+len(v.ID):])
	return v, true
}
