package authtest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

var (
	productionHasher = password.Hasher{}
	errUnreadable    = password.ErrMalformed
)

func publicKey(t *testing.T, jwk map[string]string) any {
	t.Helper()
	octets := func(name string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(jwk[name])
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	integer := func(name string) *big.Int { return new(big.Int).SetBytes(octets(name)) }
	switch jwk["kty"] {
	case "RSA":
		return &rsa.PublicKey{N: integer("n"), E: int(integer("e").Int64())}
	case "EC":
		point := slices.Concat([]byte{4}, octets("x"), octets("y")) // uncompressed (SEC 1, section 2.3.3)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			t.Fatal(err)
		}
		return key
	default:
		return ed25519.PublicKey(octets("x"))
	}
}

// A deployment without configuration issues such tokens.
func TestDefaults(t *testing.T) {
	before := time.Now().Truncate(time.Second)
	a := authtest.New(t, authtest.Config{})
	c, err := a.Verifier.Verify(t.Context(), a.Token("ada"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != a.Issuer || c.Audience[0] != a.Issuer || c.ClientID != auth.DefaultClient || c.SessionID == "" {
		t.Errorf("%+v", c)
	}
	if at := a.Clock.Now(); at.Before(before) || at.After(time.Now()) || !c.IssuedAt.Equal(at) {
		t.Errorf("the clock stands at %v, and the token is of %v", at, c.IssuedAt)
	}
	if !strings.Contains(a.JWKS(), `"RS256"`) {
		t.Errorf("the keys are %s", a.JWKS())
	}
}

func TestConfig(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	a := authtest.New(t, authtest.Config{
		Issuer: "https://login.example", Audience: []string{"https://a.example", "https://b.example"},
		Algorithm: token.ES256, Start: start,
		Settings: func(s *service.Settings) { s.AccessTokenLifetime = time.Hour },
	})
	c, err := a.Verifier.Verify(t.Context(), a.Token("ada", func(g *token.Grant) {
		g.Subject.Roles, g.Subject.Claims, g.Scope = []string{"admin"}, map[string]any{"tenant": "t1"}, []string{"read"}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != "https://login.example" || len(c.Audience) != 2 || !c.IssuedAt.Equal(start) || c.Expires.Before(start.Add(50*time.Minute)) {
		t.Errorf("%+v", c)
	}
	if c.Roles[0] != "admin" || string(c.Own["tenant"]) != `"t1"` || c.Scope[0] != "read" {
		t.Errorf("%+v", c)
	}
}

func TestClock(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	start, text := a.Clock.Now(), a.Token("ada")
	for _, row := range []struct {
		name string
		move func()
		want token.Reason
	}{
		{"at once", func() {}, ""},
		{"after its end", func() { a.Clock.Advance(time.Hour) }, token.ReasonExpired},
		{"back again", func() { a.Clock.Advance(-time.Hour) }, ""},
		{"before its beginning", func() { a.Clock.Set(start.Add(-time.Hour)) }, token.ReasonIssuedAhead},
	} {
		row.move()
		if _, err := a.Verifier.Verify(t.Context(), text); token.ReasonOf(err) != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// refresh sends a refresh token and returns the status and the body of the answer.
func refresh(t *testing.T, a *authtest.Authority, text string) (int, string) {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text}}
	r := httptest.NewRequest(http.MethodPost, "/auth/refresh", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	a.Handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// A session continues over refreshes on the driven clock, and ends when its user is disabled.
func TestSession(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	u := a.AddUser("ada@example.com", "admin")
	access, text := a.Login("ada@example.com")
	if c, err := a.Verifier.Verify(t.Context(), access); err != nil || c.Subject != u.ID || c.Roles[0] != "admin" {
		t.Errorf("%+v, %v", c, err)
	}
	for range 3 {
		a.Clock.Advance(24 * time.Hour)
		status, body := refresh(t, a, text)
		var answer struct {
			Refresh string `json:"refresh_token"`
		}
		if err := json.Unmarshal([]byte(body), &answer); status != http.StatusOK || err != nil || answer.Refresh == text {
			t.Fatalf("%d %s", status, body)
		}
		text = answer.Refresh
	}
	if _, err := a.Users.Disable(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if status, body := refresh(t, a, text); status != http.StatusBadRequest || !strings.Contains(body, "invalid_grant") {
		t.Errorf("a disabled user: %d %s", status, body)
	}
}

func TestWrongPasswordsAreThrottled(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	a.AddUser("ada@example.com")
	send := func(password string) int { return logIn(a, "ada@example.com", password) }
	for range login.DefaultLimits().Account.Free {
		if status := send("wrong"); status != http.StatusUnauthorized {
			t.Errorf("a wrong password: %d", status)
		}
	}
	if status := send(authtest.Password); status != http.StatusTooManyRequests {
		t.Errorf("after the free failures: %d", status)
	}
	a.Clock.Advance(time.Minute)
	if status := send(authtest.Password); status != http.StatusOK {
		t.Errorf("a minute later: %d", status)
	}
}

// The cheap hasher distinguishes two passwords if and only if the hasher of a deployment does.
func TestHasherAgrees(t *testing.T) {
	var cheap login.Hasher
	authtest.New(t, authtest.Config{Algorithm: token.EdDSA, Settings: func(s *service.Settings) { cheap = s.Hasher }})
	for _, row := range []struct{ set, given string }{
		{"correct horse", "correct horse"}, {"correct horse", "correct horse "}, {"correct horse", ""},
		{"caf\u00e9 au lait", "cafe\u0301 au lait"}, {"caf\u00e9 au lait", "cafe au lait"},
		{strings.Repeat("x", password.MaxBytes), strings.Repeat("x", password.MaxBytes+1)},
		{strings.Repeat("x", password.MaxBytes+1), "x"},
	} {
		var got [2]string
		for i, h := range []login.Hasher{productionHasher, cheap} {
			stored, err := h.Hash(auth.NewSecret(row.set))
			if err != nil {
				got[i] = err.Error()
				continue
			}
			r, err := h.Verify(stored, auth.NewSecret(row.given))
			got[i] = fmt.Sprintf("%+v %v", r, err)
		}
		if got[0] != got[1] {
			t.Errorf("%.20q against %.20q: a deployment says %s, the test %s", row.given, row.set, got[0], got[1])
		}
	}
}

// A hash of a deployment or of another system is verified as in a deployment.
func TestImportedHash(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	hash, err := productionHasher.Hash(auth.NewSecret(authtest.Password))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Users.Import(t.Context(), user.User{Email: "bob@example.com", Password: hash}); err != nil {
		t.Fatal(err)
	}
	a.Login("bob@example.com")
}

// Without the cheap hasher, accounts have the hash of a deployment.
func TestDeploymentsHasher(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA, Settings: func(s *service.Settings) { s.Hasher = nil }})
	u := a.AddUser("ada@example.com")
	if r, err := productionHasher.Verify(u.Password, auth.NewSecret(authtest.Password)); err != nil || !r.Match || r.Outdated {
		t.Errorf("%+v, %v", r, err)
	}
	a.Login("ada@example.com")
}

// The issuer of a Server is an address that has the metadata and the keys.
func TestServer(t *testing.T) {
	a := authtest.NewServer(t, authtest.Config{Algorithm: token.EdDSA})
	get := func(address string) string {
		answer, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", address, answer.StatusCode, err)
		}
		return string(body)
	}
	var metadata struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal([]byte(get(a.Issuer+"/.well-known/openid-configuration")), &metadata); err != nil {
		t.Fatal(err)
	}
	if metadata.Issuer != a.URL || a.Issuer != a.URL || strings.TrimSpace(get(metadata.JWKS)) != a.JWKS() {
		t.Errorf("%+v, %s, %s", metadata, a.URL, a.JWKS())
	}
	if b := authtest.NewServer(t, authtest.Config{Algorithm: token.EdDSA, Issuer: "https://login.example"}); b.Issuer != "https://login.example" {
		t.Errorf("the issuer is %s", b.Issuer)
	}
}

// Two Authorities of a process have the same keys, and separate accounts.
func TestTwoAuthorities(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	b := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
	if _, err := b.Verifier.Verify(t.Context(), a.Token("ada")); err != nil || a.JWKS() != b.JWKS() {
		t.Errorf("other keys: %v", err)
	}
	a.AddUser("ada@example.com")
	b.AddUser("ada@example.com")
}

// stopped is a test that ends at a failure and keeps the message.
type stopped struct {
	testing.TB
	message string
}

func (s *stopped) Fatalf(format string, args ...any) {
	s.message = strings.TrimSpace(format)
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			s.message += " " + err.Error()
		}
	}
	panic(s)
}

// A failure ends the test, and its message says what failed.
func TestFailures(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(t testing.TB)
		want string
	}{
		"unknown algorithm": {func(t testing.TB) { authtest.New(t, authtest.Config{Algorithm: "RS512"}) }, "RS512"},
		"wrong issuer":      {func(t testing.TB) { authtest.New(t, authtest.Config{Issuer: "http://login.example"}) }, "http"},
		"unknown account":   {func(t testing.TB) { authtest.New(t, authtest.Config{Algorithm: token.EdDSA}).Login("eve@example.com") }, "log %s in"},
		"empty subject":     {func(t testing.TB) { authtest.New(t, authtest.Config{Algorithm: token.EdDSA}).Token("") }, "sub"},
		"taken address": {func(t testing.TB) {
			a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA})
			a.AddUser("ada@example.com")
			a.AddUser("ADA@example.com")
		}, user.ErrExists.Error()},
	} {
		s := &stopped{TB: t}
		func() {
			defer func() { _ = recover() }()
			row.do(s)
		}()
		if !strings.Contains(s.message, row.want) {
			t.Errorf("%s: the test ends with %q", name, s.message)
		}
	}
}

// The stores of an Authority can belong to another Authority, or be wrapped to fail.
func TestSettings(t *testing.T) {
	var broken brokenUsers
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA, Settings: func(s *service.Settings) {
		broken.Store = s.Stores.Users
		s.Stores.Users = &broken
	}})
	a.AddUser("ada@example.com")
	_, text := a.Login("ada@example.com")
	a.Clock.Advance(time.Hour)
	broken.down = true
	if status, body := refresh(t, a, text); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, body)
	}
	broken.down = false
	if status, body := refresh(t, a, text); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

type brokenUsers struct {
	user.Store
	down bool
}

func (b *brokenUsers) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	if b.down {
		return user.User{}, auth.ErrUnavailable
	}
	return b.Store.Get(ctx, id)
}

// TestLoginWithACode: the code of a second factor reaches the steps.
func TestLoginWithACode(t *testing.T) {
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA, Settings: func(s *service.Settings) {
		s.Steps.After = func(_ context.Context, c login.Credentials, _ login.Result) ([]string, error) {
			if c.OneTimeCode.Reveal() != "492039" {
				return nil, &login.Denial{Code: "second_factor_required"}
			}
			return []string{"otp"}, nil
		}
	}})
	a.AddUser("ada@example.com")
	if access, refresh := a.Login("ada@example.com", "492039"); access == "" || refresh == "" {
		t.Error("no tokens")
	}
}
