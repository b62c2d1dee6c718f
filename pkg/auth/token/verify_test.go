package token_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

func TestVerifyTakes(t *testing.T) {
	v := verifierAt(t, instant)
	for _, row := range []struct{ name, old, new string }{
		{"the required claims", `"jti":"j"`, `"jti":"j"`},
		{"space and another order", `{"iss":`, ` { "jti2" : 1 , "iss" : `},
		{"several audiences", `"aud":"https://api.example.com"`, `"aud":["x","https://api.example.com"]`},
		{"an escape", `"sub":"1b`, `"sub":"\u0031b`},
		{"every optional claim", `"jti":`,
			`"nbf":1700000030,"sid":"s","auth_time":1,"scope":"a b","roles":["r"],"amr":["pwd"],"jti":`},
		{"the longest lifetime", `"iat":1700000000`, `"iat":1699997300`},
		{"iat at the leeway", `"iat":1700000000`, `"iat":1700000030`},
		{"an own claim", `"jti":`, `"tenant":{"id":[1,2.5e3,null]},"jti":`},
		{"an own claim that begins like another", `"jti":`, `"subs":"x","expo":1,"jti":`},
	} {
		for _, alg := range algorithms {
			text := sign(t, alg, goodHeader(alg), put(t, goodPayload, row.old, row.new))
			if c, err := v.Verify(t.Context(), text); err != nil || c.Subject != subject {
				t.Errorf("%s, %s: %v", row.name, alg, err)
			}
		}
	}
	header := put(t, goodHeader(token.ES256), `{"alg"`, `{"x":{"unknown":["member"]},"alg"`)
	if _, err := v.Verify(t.Context(), sign(t, token.ES256, header, goodPayload)); err != nil {
		t.Errorf("an unknown header member: %v", err)
	}
}

func TestVerifyReadsEveryClaim(t *testing.T) {
	payload := put(t, goodPayload, `"jti":"j"`, `"jti":"j","sid":"s","auth_time":1699999000,"scope":"a b",`+
		`"roles":["r","w"],"amr":["pwd","otp"],"tv":9007199254740991,"tenant": {"id" : 7},"Plan":"x"`)
	c, err := verifierAt(t, instant).Verify(t.Context(), sign(t, token.EdDSA, goodHeader(token.EdDSA), payload))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %s %d %d %d %s %s %s %s %s %s %s %s", c.Issuer, c.Subject, c.Audience, c.Expires.Unix(),
		c.IssuedAt.Unix(), c.AuthTime.Unix(), c.ID, c.ClientID, c.SessionID, c.Scope, c.Roles, c.AMR, c.TokenVersion, c.Own)
	want := "https://auth.example.com 1b671a64-40d5-491e-99b0-da01ff1f3341 [https://api.example.com] 1700000900 " +
		`1700000000 1699999000 j default s [a b] [r w] [pwd otp] 9007199254740991 map[Plan:"x" tenant:{"id" : 7}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// VerifyBytes must not retain the buffer that it reads from.
func TestVerifyBytesKeepsNothing(t *testing.T) {
	v := verifierAt(t, instant)
	payload := put(t, goodPayload, `"jti":`, `"scope":"a b","roles":["c"],"own":{"e":1},"jti":`)
	for _, header := range []string{goodHeader(token.EdDSA), put(t, goodHeader(token.EdDSA), `{"alg"`, `{ "alg"`)} {
		text := []byte(sign(t, token.EdDSA, header, payload))
		want, err := v.Verify(t.Context(), string(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.VerifyBytes(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		clear(text)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, and %+v from a string", got, want)
		}
	}
}

// The lists of a token share one array, and its private claims another. Appending to one list must
// not change the next.
func TestClaimsBelongToTheCaller(t *testing.T) {
	payload := put(t, goodPayload, `"jti":`, `"scope":"a b","roles":["c"],"amr":["d"],"own1":"e","own2":"f","jti":`)
	c, err := verifierAt(t, instant).Verify(t.Context(), sign(t, token.EdDSA, goodHeader(token.EdDSA), payload))
	if err != nil {
		t.Fatal(err)
	}
	_ = append(c.Audience, "x")
	_ = append(c.Scope, "x")
	_ = append(c.Roles, "x")
	_ = append(c.Own["own1"], `"x"`...)
	_ = append(c.Own["own2"], `"x"`...)
	got := fmt.Sprintf("%s %s %s %s %s", c.Audience, c.Scope, c.Roles, c.AMR, c.Own)
	if want := `[https://api.example.com] [a b] [c] [d] map[own1:"e" own2:"f"]`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Changing any bit of the last character of a segment, or replacing any character, makes the token
// invalid.
func TestNoTwoTextsVerifyAsOneToken(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	v := verifierAt(t, instant)
	for _, alg := range algorithms {
		good := issue(t, alg, grant()).Text.Reveal()
		if _, err := v.Verify(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(good, ".")
		for i, part := range parts {
			for _, c := range alphabet {
				other := slices.Clone(parts)
				other[i] = part[:len(part)-1] + string(c)
				if text := strings.Join(other, "."); text != good {
					if _, err := v.Verify(t.Context(), text); token.ReasonOf(err) == "" {
						t.Errorf("%s: segment %d ends in %c for %c: %v", alg, i, c, part[len(part)-1], err)
					}
				}
			}
		}
		for at := range good {
			text := good[:at] + "A" + good[at+1:]
			if _, err := v.Verify(t.Context(), text); text != good && err == nil {
				t.Errorf("%s: byte %d was changed", alg, at)
			}
		}
	}
}

func TestExpiryHasNoLeeway(t *testing.T) {
	text := sign(t, token.EdDSA, goodHeader(token.EdDSA), goodPayload)
	end := instant.Add(900 * time.Second)
	for _, row := range []struct {
		name string
		now  time.Time
		want token.Reason
	}{
		{"a nanosecond before", end.Add(-1), ""},
		{"at exp", end, token.ReasonExpired},
		{"a second after", end.Add(time.Second), token.ReasonExpired},
		{"a clock 30 s behind", instant.Add(-30 * time.Second), ""},
		{"a clock more than 30 s behind", instant.Add(-30*time.Second - 1), token.ReasonIssuedAhead},
	} {
		_, err := verifierAt(t, row.now).Verify(t.Context(), text)
		if (err == nil) != (row.want == "") || token.ReasonOf(err) != row.want {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestErrorsHoldSentinels(t *testing.T) {
	wants := map[token.Reason]error{
		token.ReasonTooLong: jwt.ErrTokenMalformed, token.ReasonMalformed: jwt.ErrTokenMalformed,
		token.ReasonAmbiguousName: jwt.ErrTokenMalformed, token.ReasonForbiddenHeader: jwt.ErrTokenUnverifiable,
		token.ReasonWrongType: jwt.ErrTokenUnverifiable, token.ReasonUnknownKey: jwt.ErrTokenUnverifiable,
		token.ReasonWrongAlgorithm: jwt.ErrTokenSignatureInvalid, token.ReasonBadSignature: jwt.ErrTokenSignatureInvalid,
		token.ReasonMissingClaim: jwt.ErrTokenRequiredClaimMissing, token.ReasonInvalidClaim: jwt.ErrTokenInvalidClaims,
		token.ReasonWrongIssuer: jwt.ErrTokenInvalidIssuer, token.ReasonWrongAudience: jwt.ErrTokenInvalidAudience,
		token.ReasonWrongLifetime: jwt.ErrTokenInvalidClaims, token.ReasonExpired: jwt.ErrTokenExpired,
		token.ReasonIssuedAhead: jwt.ErrTokenUsedBeforeIssued, token.ReasonNotYetValid: jwt.ErrTokenNotValidYet,
	}
	for reason, want := range wants {
		err := fmt.Errorf("wrapped: %w", &token.Error{Reason: reason})
		if !errors.Is(err, want) || token.ReasonOf(err) != reason {
			t.Errorf("%s does not wrap %v", reason, want)
		}
	}
	if got := token.ReasonOf(auth.ErrUnavailable); got != "" {
		t.Errorf("the reason of another error is %q", got)
	}
}

// keysFunc implements token.Keys with one function.
type keysFunc func(kid string) (token.Key, error)

func (f keysFunc) Key(_ context.Context, kid string) (token.Key, error) { return f(kid) }

func TestKeySourceErrorsSayNothingAboutTheToken(t *testing.T) {
	text := sign(t, token.EdDSA, goodHeader(token.EdDSA), goodPayload)
	for _, row := range []struct {
		name   string
		err    error
		reason token.Reason
	}{
		{"unavailable", fmt.Errorf("source: %w", auth.ErrUnavailable), ""},
		{"internal", errors.New("bug"), ""},
		{"not found", fmt.Errorf("source: %w", auth.ErrNotFound), token.ReasonUnknownKey},
		{"an empty key", nil, token.ReasonWrongAlgorithm},
	} {
		v, err := token.NewVerifier(token.VerifierConfig{
			Issuer: issuer, Audience: []string{audience}, Now: clock,
			Keys: keysFunc(func(string) (token.Key, error) { return token.Key{}, row.err }),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.Verify(t.Context(), text)
		if err == nil || token.ReasonOf(err) != row.reason {
			t.Errorf("%s: %v", row.name, err)
		}
		if row.reason == "" && !errors.Is(err, row.err) {
			t.Errorf("%s: %v does not wrap it", row.name, err)
		}
	}
}

func TestNewVerifierNamesWhatIsMissing(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*token.VerifierConfig)
		want   string
	}{
		{"no issuer", func(c *token.VerifierConfig) { c.Issuer = "" }, "Issuer must"},
		{"plain http", func(c *token.VerifierConfig) { c.Issuer = "http://auth.example.com" }, "Issuer must"},
		{"a query", func(c *token.VerifierConfig) { c.Issuer += "?" }, "Issuer must"},
		{"a fragment", func(c *token.VerifierConfig) { c.Issuer += "#" }, "Issuer must"},
		{"a user", func(c *token.VerifierConfig) { c.Issuer = "https://u@auth.example.com" }, "Issuer must"},
		{"no host", func(c *token.VerifierConfig) { c.Issuer = "https:auth" }, "Issuer must"},
		{"no audience", func(c *token.VerifierConfig) { c.Audience = nil }, "Audience must"},
		{"an empty audience", func(c *token.VerifierConfig) { c.Audience = []string{""} }, "Audience must"},
		{"an audience twice", func(c *token.VerifierConfig) { c.Audience = []string{"a", "a"} }, "Audience must"},
		{"no keys", func(c *token.VerifierConfig) { c.Keys = nil }, "Keys must"},
		{"an empty key set", func(c *token.VerifierConfig) { c.Keys = token.KeySet{} }, "Keys must"},
		{"no clock", func(c *token.VerifierConfig) { c.Now = nil }, ""},
		{"complete", func(*token.VerifierConfig) {}, ""},
		{"http on loopback", func(c *token.VerifierConfig) { c.Issuer = "http://127.0.0.1:8080" }, ""},
		{"http on loopback by name", func(c *token.VerifierConfig) { c.Issuer = "http://localhost:8080" }, ""},
		{"http on IPv6 loopback", func(c *token.VerifierConfig) { c.Issuer = "http://[::1]:8080" }, ""},
		{"a path", func(c *token.VerifierConfig) { c.Issuer += "/tenant" }, ""},
	} {
		c := token.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: publicKeys(t), Now: clock}
		row.change(&c)
		_, err := token.NewVerifier(c)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// refused checks that text is refused for the given reason and that no part of the token is in the
// error.
func refused(t *testing.T, text string, want token.Reason) {
	t.Helper()
	c, err := verifierAt(t, instant).Verify(t.Context(), text)
	if token.ReasonOf(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	if c.Subject != "" || c.Own != nil {
		t.Errorf("a refused token has claims: %+v", c)
	}
	for _, part := range append(strings.Split(text, "."), subject, "admin", "evil") {
		if len(part) > 4 && strings.Contains(err.Error(), part) {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}
