package session_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

func equal(a, b session.Session) bool { return reflect.DeepEqual(a, b) }

// keys holds keys 1 and 7. The material of each is its number, repeated. Key 7 seals new tokens.
type keys struct{ err error }

func (k keys) SealingKey(ctx context.Context) (auth.RefreshTokenKey, error) {
	return k.RefreshTokenKey(ctx, 7)
}

func (k keys) RefreshTokenKey(_ context.Context, id uint16) (auth.RefreshTokenKey, error) {
	if k.err != nil {
		return auth.RefreshTokenKey{}, k.err
	}
	if id != 1 && id != 7 {
		return auth.RefreshTokenKey{}, fmt.Errorf("key %d: %w", id, auth.ErrNotFound)
	}
	return auth.RefreshTokenKey{ID: id, Secret: auth.NewSecret(strings.Repeat(string(rune(id)), auth.KeyBytes))}, nil
}

func (keys) Reload(context.Context, time.Time) error { return nil }

var codec = session.Codec{Keys: keys{}}

func sealed(t testing.TB, token session.Token) string {
	t.Helper()
	text, err := codec.Seal(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

func aToken(subject auth.SubjectID) session.Token {
	return session.Token{
		Profile: auth.Balanced, Subject: subject, Secret: auth.NewSecret("0123456789abcdef"), Generation: 3,
		Branch: session.Branch{1, 2, 3, 4, 5, 6, 7, 8}, IssuedAt: epoch,
	}
}

const aUUID = "1b671a64-40d5-491e-99b0-da01ff1f3341"

// The vectors pin the format: tokens that clients hold today must parse forever. The script
// testdata/refresh_tokens.py makes the vectors independently of this package.
func TestGoldenVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/refresh_tokens.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Profile, Subject, SecretHex, BranchHex, Sid, Token string
		KeyID                                                    uint16
		Generation                                               uint64
		IssuedAt                                                 int64
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			profile, err := auth.ParseProfile(v.Profile)
			if err != nil {
				t.Fatal(err)
			}
			want := session.Token{
				Profile: profile, Subject: auth.SubjectID(v.Subject), Secret: auth.NewSecret(unhex(t, v.SecretHex)),
				Generation: v.Generation, Branch: session.Branch([]byte(unhex(t, v.BranchHex))), IssuedAt: time.Unix(v.IssuedAt, 0).UTC(),
			}
			got, err := codec.Parse(t.Context(), auth.NewSecret(v.Token))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Parse: %+v, %v", got, err)
			}
			if sid := got.Key().ID.String(); sid != v.Sid {
				t.Errorf("sid %s, want %s", sid, v.Sid)
			}
			if v.KeyID == 7 {
				if text := sealed(t, want); text != v.Token {
					t.Errorf("Seal: %s, want %s", text, v.Token)
				}
			}
		})
	}
}

func unhex(t *testing.T, text string) string {
	t.Helper()
	var b []byte
	if _, err := fmt.Sscanf(text, "%x", &b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseRefuses(t *testing.T) {
	good := sealed(t, aToken(aUUID))
	opaque := sealed(t, aToken("user-1"))
	body := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text[len("ert_"):])
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// changed flips one bit of the body and corrects the checksum, so that only the MAC can tell.
	changed := func(at int) string {
		b := body(good)
		b[at] ^= 1
		b = binary.BigEndian.AppendUint32(b[:len(b)-4], crc32.ChecksumIEEE(b[:len(b)-4]))
		return "ert_" + base64.RawURLEncoding.EncodeToString(b)
	}
	rows := map[string]string{
		"empty":                "",
		"prefix alone":         "ert_",
		"no prefix":            good[len("ert_"):],
		"prefix in capitals":   "ERT_" + good[len("ert_"):],
		"a JWT":                "eyJhbGciOiJub25lIn0.e30.",
		"padded":               good + "=",
		"line feed":            good[:20] + "\n" + good[20:],
		"standard base64":      strings.NewReplacer("-", "+", "_", "/").Replace(opaque[len("ert_"):]) + "+/",
		"trailing bits":        trailingBits(good),
		"cut":                  good[:len(good)-4],
		"longer":               good + "AAAA",
		"very long":            "ert_" + strings.Repeat("A", 10_000),
		"blank around":         " " + good,
		"checksum of another":  good[:len(good)-6] + opaque[len(opaque)-6:],
		"body of another":      opaque[:40] + good[40:],
		"unknown key":          changed(3),
		"another known key":    withKey(t, body(good), 1),
		"another kind":         changed(0),
		"another profile":      changed(1),
		"another subject":      changed(6),
		"another secret":       changed(25),
		"another generation":   changed(40),
		"another branch":       changed(45),
		"another issue time":   changed(53),
		"another MAC":          changed(60),
		"last byte of the MAC": changed(69),
	}
	for name, text := range rows {
		if got, err := codec.Parse(t.Context(), auth.NewSecret(text)); !errors.Is(err, session.ErrEnded) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for i := range good {
		for _, c := range []byte("Aa0_-") {
			if text := good[:i] + string(c) + good[i+1:]; text != good {
				if _, err := codec.Parse(t.Context(), auth.NewSecret(text)); err == nil {
					t.Errorf("byte %d can be %q", i, c)
				}
			}
		}
	}
	unread := session.Codec{Keys: keys{err: auth.ErrUnavailable}}
	if _, err := unread.Parse(t.Context(), auth.NewSecret(good)); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, session.ErrEnded) {
		t.Errorf("keys that cannot be read: %v", err)
	}
}

// trailingBits returns a second spelling of the same bytes: it sets a bit after the last byte.
func trailingBits(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last|1])
}

func withKey(t *testing.T, b []byte, id uint16) string {
	t.Helper()
	binary.BigEndian.PutUint16(b[2:], id)
	b = binary.BigEndian.AppendUint32(b[:len(b)-4], crc32.ChecksumIEEE(b[:len(b)-4]))
	return "ert_" + base64.RawURLEncoding.EncodeToString(b)
}

func TestSealRefuses(t *testing.T) {
	for name, change := range map[string]func(*session.Token){
		"no subject":     func(x *session.Token) { x.Subject = "" },
		"long subject":   func(x *session.Token) { x.Subject = auth.SubjectID(strings.Repeat("x", 65)) },
		"short secret":   func(x *session.Token) { x.Secret = auth.NewSecret("short") },
		"too many turns": func(x *session.Token) { x.Generation = 1 << 32 },
		"before 1970":    func(x *session.Token) { x.IssuedAt = time.Unix(-1, 0) },
	} {
		token := aToken("user-1")
		change(&token)
		if text, err := codec.Seal(t.Context(), token); err == nil {
			t.Errorf("%s: %s", name, text.Reveal())
		}
	}
}

func TestRefreshTokenSize(t *testing.T) {
	if n := len(sealed(t, aToken(aUUID))); n != 103 {
		t.Errorf("a token for a UUID subject has %d characters", n)
	}
	if n := len(sealed(t, aToken(auth.SubjectID(strings.Repeat("x", 64))))); n > 4096/8 {
		t.Errorf("the longest token has %d characters", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sealed(f, aToken(aUUID)))
	f.Add(sealed(f, aToken("user-1")))
	f.Add("ert_AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := codec.Parse(t.Context(), auth.NewSecret(text))
		if err != nil {
			if !errors.Is(err, session.ErrEnded) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		// Each token has one spelling: sealing a parsed token returns the same text.
		if again := sealed(t, token); again != text {
			t.Errorf("%q is also %q", text, again)
		}
	})
}

func TestParseIDAcceptsOneSpelling(t *testing.T) {
	id := aToken(aUUID).Key().ID
	if got, err := session.ParseID(id.String()); err != nil || got != id {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", id.String() + "A", id.String()[:21], id.String() + "\n", trailingBits(id.String()), "!!!!!!!!!!!!!!!!!!!!!!"} {
		if got, err := session.ParseID(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
