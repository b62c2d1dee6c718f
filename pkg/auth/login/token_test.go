package login

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/sealed"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// ring holds the keys 1 and 7, filled with their number; 7 seals.
type ring struct{ err error }

func (r ring) SealingKey(ctx context.Context) (auth.LoginKey, error) {
	return r.LoginKey(ctx, 7)
}

func (r ring) LoginKey(_ context.Context, id uint16) (auth.LoginKey, error) {
	if r.err != nil {
		return auth.LoginKey{}, r.err
	}
	if id != 1 && id != 7 {
		return auth.LoginKey{}, fmt.Errorf("key %d: %w", id, auth.ErrNotFound)
	}
	return auth.LoginKey{ID: id, Secret: auth.NewSecret(strings.Repeat(string(rune(id)), auth.KeyBytes))}, nil
}

// otherKind stands for future kinds of token.
var otherKind = sealed.Kind{
	Form:  sealed.Form{Prefix: "eot_", Version: 15<<4 | 1, Least: deviceKind.Least, Most: deviceKind.Most},
	KeyAt: 1, Purpose: "edgeauth other token 1",
}

func sealedAs(t testing.TB, k sealed.Kind, v voucher) string {
	t.Helper()
	key, err := ring{}.SealingKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := v.body(k.Version, key.ID)
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.Seal(b, key)
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

var issued = time.Unix(1893553445, 0).UTC()

func aVoucher(s auth.SubjectID) voucher {
	return voucher{Subject: s, TokenVersion: 3, ID: deviceID([]byte("0123456789abcdef")), IssuedAt: issued}
}

const aUUID = "1b671a64-40d5-491e-99b0-da01ff1f3341"

// The vectors fix the bytes, because tokens that clients hold today must stay valid.
// testdata/tokens.py generates them independently of this package.
func TestGoldenVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/tokens.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Subject, IDHex, Token string
		KeyID                       uint16
		TokenVersion                uint64
		IssuedAt                    int64
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			id, err := hex.DecodeString(v.IDHex)
			if err != nil {
				t.Fatal(err)
			}
			want := voucher{auth.SubjectID(v.Subject), v.TokenVersion, deviceID(id), time.Unix(v.IssuedAt, 0).UTC()}
			got, err := parse(t.Context(), ring{}, auth.NewSecret(v.Token), want.IssuedAt)
			if err != nil || got != want {
				t.Errorf("parse: %+v, %v", got, err)
			}
			if text := sealedAs(t, deviceKind, want); v.KeyID == 7 && text != v.Token {
				t.Errorf("seal: %s, want %s", text, v.Token)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	good, opaque := sealedAs(t, deviceKind, aVoucher(aUUID)), sealedAs(t, deviceKind, aVoucher("user-1"))
	// changed alters one byte of the body and corrects the checksum, so that only the MAC is wrong.
	changed := func(at int) string {
		b, err := base64.RawURLEncoding.DecodeString(good[len("edt_"):])
		if err != nil {
			t.Fatal(err)
		}
		b[at] ^= 1
		b = binary.BigEndian.AppendUint32(b[:len(b)-4], crc32.ChecksumIEEE(b[:len(b)-4]))
		return "edt_" + base64.RawURLEncoding.EncodeToString(b)
	}
	// relabelled has the prefix and first byte of another kind.
	relabelled := func() string {
		b, _ := base64.RawURLEncoding.DecodeString(sealedAs(t, otherKind, aVoucher(aUUID))[len("eot_"):])
		b[0] = deviceKind.Version
		b = binary.BigEndian.AppendUint32(b[:len(b)-4], crc32.ChecksumIEEE(b[:len(b)-4]))
		return "edt_" + base64.RawURLEncoding.EncodeToString(b)
	}
	rows := map[string]string{
		"empty":                     "",
		"prefix alone":              "edt_",
		"no prefix":                 good[len("edt_"):],
		"a refresh token":           "ert_EQEABwAbZxpkQNVJHpmw2gH_HzNBAAECAwQFBgcICQoLDA0ODwAAAAAAAAAAAAAAAABw3VUlSwCQ0vytw891pKROTOXkyFlskxw",
		"a refresh token, prefixed": "edt_EQEABwAbZxpkQNVJHpmw2gH_HzNBAAECAwQFBgcICQoLDA0ODwAAAAAAAAAAAAAAAABw3VUlSwCQ0vytw891pKROTOXkyFlskxw",
		"another kind":              sealedAs(t, otherKind, aVoucher(aUUID)),
		"another kind, prefixed":    "edt_" + sealedAs(t, otherKind, aVoucher(aUUID))[4:],
		"another kind, relabelled":  relabelled(),
		"padded":                    good + "=",
		"line feed":                 good[:20] + "\n" + good[20:],
		"cut":                       good[:len(good)-4],
		"longer":                    good + "AAAA",
		"very long":                 "edt_" + strings.Repeat("A", 10_000),
		"checksum of another":       good[:len(good)-6] + opaque[len(opaque)-6:],
		"unknown key":               changed(2),
		"another subject":           changed(6),
		"another version":           changed(27),
		"another id":                changed(30),
		"another issue time":        changed(48),
		"another MAC":               changed(64),
	}
	for name, text := range rows {
		if v, err := parse(t.Context(), ring{}, auth.NewSecret(text), issued); !errors.Is(err, ErrNoToken) || v != (voucher{}) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	for i := range good {
		for _, c := range []byte("Aa0_-") {
			if text := good[:i] + string(c) + good[i+1:]; text != good {
				if _, err := parse(t.Context(), ring{}, auth.NewSecret(text), issued); err == nil {
					t.Errorf("byte %d can be %q", i, c)
				}
			}
		}
	}
	unread := ring{err: auth.ErrUnavailable}
	if _, err := parse(t.Context(), unread, auth.NewSecret(good), issued); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, ErrNoToken) {
		t.Errorf("keys that cannot be read: %v", err)
	}
	if _, err := parse(t.Context(), unread, auth.NewSecret("edt_junk"), issued); !errors.Is(err, ErrNoToken) {
		t.Errorf("junk has the keys read: %v", err)
	}
}

func TestDeviceTokensEnd(t *testing.T) {
	now := issued
	x := tokens{Keys: ring{}, Now: func() time.Time { return now }, Rand: strings.NewReader(strings.Repeat("r", 16))}
	u := user.User{ID: aUUID, TokenVersion: 9}
	device, err := x.Device(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	for after, good := range map[time.Duration]bool{
		0: true, 180*24*time.Hour - time.Second: true, 180 * 24 * time.Hour: false,
	} {
		now = issued.Add(after)
		if v, err := x.parseDevice(t.Context(), device); (err == nil) != good || (err == nil && !v.vouchesFor(aUUID, 9)) {
			t.Errorf("after %v: %+v, %v", after, v, err)
		}
	}
	if _, err := x.Device(t.Context(), u); err == nil {
		t.Error("a device id without randomness")
	}
}

func TestSealRefuses(t *testing.T) {
	for name, v := range map[string]voucher{
		"no subject":   {IssuedAt: issued},
		"long subject": {Subject: auth.SubjectID(strings.Repeat("x", 65)), IssuedAt: issued},
		"before 1970":  {Subject: "user-1", IssuedAt: time.Unix(-1, 0)},
	} {
		if text, err := seal(t.Context(), ring{}, v); err == nil {
			t.Errorf("%s: %s", name, text.Reveal())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sealedAs(f, deviceKind, aVoucher(aUUID)))
	f.Add(sealedAs(f, deviceKind, aVoucher("user-1")))
	f.Add(sealedAs(f, otherKind, aVoucher(aUUID)))
	f.Add("edt_AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parse(t.Context(), ring{}, auth.NewSecret(text), issued)
		if err != nil {
			if !errors.Is(err, ErrNoToken) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		// A text that parses must be the text that would be written.
		if again := sealedAs(t, deviceKind, v); again != text {
			t.Errorf("%q is also %q", text, again)
		}
	})
}
