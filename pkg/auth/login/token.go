package login

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/subjectform"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ErrNoToken is every way of not being a token of the kind that is asked for: junk, another kind, forged, too old, used.
// It carries no detail: none would help an honest client.
var ErrNoToken = errors.New("not a valid token of this issuer")

// DeviceLifetime is how long a known-device token vouches for its device.
const DeviceLifetime = 180 * 24 * time.Hour

// kind is one kind of sealed token, which says something about a user and permits nothing by itself. A kind has a first
// byte and a MAC key of its own, so none passes for another, nor for a refresh token, whose layout is of the same family.
type kind struct {
	prefix   string // with the checksum, it lets secret scanners find leaked tokens
	version  byte   // the kind's number, times 16, and the layout's version; refresh tokens are number 1
	purpose  string // of the MAC key
	lifetime time.Duration
}

var deviceKind = kind{"edt_", 3<<4 | 1, "edgeauth known-device token 1", DeviceLifetime}

// voucher is what a sealed token says:
//
//	prefix + base64url( kind and version 1 | key id 2 | subject form 1 | subject | token version 8 | id 16 |
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

const (
	macBytes  = 16
	crcBytes  = 4
	headBytes = 1 + 2 + 1
	tailBytes = 8 + len(DeviceID{}) + 5 // what stands between the subject and the MAC

	maxIssued = 1<<40 - 1
)

// maxEncoded bounds the work that junk can cause.
var maxEncoded = base64.RawURLEncoding.EncodedLen(headBytes + auth.MaxSubjectBytes + tailBytes + macBytes + crcBytes)

// seal returns the text of v under the newest key.
func (k kind) seal(ctx context.Context, keys Keys, v voucher) (auth.Secret, error) {
	key, err := keys.SealingKey(ctx)
	if err != nil {
		return auth.Secret{}, fmt.Errorf("reading the login keys: %w", err)
	}
	issued := v.IssuedAt.Unix()
	if issued < 0 || issued > maxIssued {
		return auth.Secret{}, errors.New("a token's issue time is out of range")
	}
	b := binary.BigEndian.AppendUint16([]byte{k.version}, key.ID)
	if b, err = subjectform.Append(b, v.Subject); err != nil {
		return auth.Secret{}, err
	}
	b = binary.BigEndian.AppendUint64(b, v.TokenVersion)
	b = append(b, v.ID[:]...)
	b = append(b, byte(issued>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(issued))
	mac, err := macOf(b, key, k.purpose)
	if err != nil {
		return auth.Secret{}, err
	}
	b = append(b, mac[:macBytes]...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return auth.NewSecret(k.prefix + base64.RawURLEncoding.EncodeToString(b)), nil
}

// parse returns what the text says, if it is a token of this kind that is not too old; else ErrNoToken. Its error wraps
// auth.ErrUnavailable where the keys cannot be read.
func (k kind) parse(ctx context.Context, keys Keys, text auth.Secret, now time.Time) (voucher, error) {
	b, ok := decode(text.Reveal(), k.prefix, k.version, headBytes+1+tailBytes+macBytes)
	if !ok {
		return voucher{}, ErrNoToken
	}
	signed, mac := b[:len(b)-macBytes], b[len(b)-macBytes:]
	key, err := keys.LoginKey(ctx, binary.BigEndian.Uint16(signed[1:]))
	if errors.Is(err, auth.ErrNotFound) {
		return voucher{}, ErrNoToken
	}
	if err != nil {
		return voucher{}, fmt.Errorf("reading the login keys: %w", err)
	}
	want, err := macOf(signed, key, k.purpose)
	if err != nil {
		return voucher{}, err
	}
	if !hmac.Equal(mac, want[:macBytes]) {
		return voucher{}, ErrNoToken
	}
	v, ok := readVoucher(signed)
	if !ok || !now.Before(v.IssuedAt.Add(k.lifetime)) {
		return voucher{}, ErrNoToken
	}
	return v, nil
}

// decode undoes the text form and its checksum. It returns at least so many bytes, of which the first is version.
func decode(text, prefix string, version byte, least int) ([]byte, bool) {
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok || len(encoded) > maxEncoded {
		return nil, false
	}
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	// The decoder skips line feeds and ignores trailing bits: only the one spelling counts.
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != encoded {
		return nil, false
	}
	if len(b) < least+crcBytes || b[0] != version {
		return nil, false
	}
	b, crc := b[:len(b)-crcBytes], binary.BigEndian.Uint32(b[len(b)-crcBytes:])
	return b, crc32.ChecksumIEEE(b) == crc
}

// readVoucher takes apart what the MAC has vouched for.
func readVoucher(b []byte) (voucher, bool) {
	subject, tail := b[headBytes:len(b)-tailBytes], b[len(b)-tailBytes:]
	var v voucher
	var ok bool
	if v.Subject, ok = subjectform.Read(b[headBytes-1], subject); !ok {
		return voucher{}, false
	}
	v.TokenVersion = binary.BigEndian.Uint64(tail)
	v.ID = DeviceID(tail[8 : 8+len(v.ID)])
	issued := tail[8+len(v.ID):]
	v.IssuedAt = time.Unix(int64(issued[0])<<32|int64(binary.BigEndian.Uint32(issued[1:])), 0).UTC()
	return v, true
}
