package token_test

import (
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	cognito  = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE"
	openAuth = "https://openauth.example.com"
	clientID = "7abcdefghijklmnopqrstuvwxy"
)

// The tokens have the form of Amazon Cognito's and OpenAuth's tokens. The keys are the test's own,
// without alg, which a foreign set may omit. Cognito uses RS256 and OpenAuth ES256.
const (
	cognitoAccess = `{"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","cognito:groups":["admin"],"iss":"` + cognito + `",` +
		`"version":2,"client_id":"` + clientID + `","origin_jti":"b1","event_id":"c1","token_use":"access",` +
		`"scope":"openid email","auth_time":1699999000,"exp":1700003600,"iat":1700000000,"jti":"a1","username":"jane"}`
	cognitoID = `{"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee","cognito:groups":["admin"],"email_verified":true,"iss":"` +
		cognito + `","cognito:username":"jane","origin_jti":"b1","aud":"` + clientID + `","event_id":"c1",` +
		`"token_use":"id","auth_time":1699999000,"exp":1700003600,"iat":1700000000,"jti":"a2","email":"jane@example.com"}`
	openAuthAccess = `{"mode":"access","type":"user","properties":{"id":"u1"},"aud":"web","iss":"` + openAuth + `",` +
		`"sub":"user:0123456789abcdef","exp":1702592000}`
)

// foreignHeader names a test key by another kid, which only the foreign issuer's key set has.
func foreignHeader(alg token.Algorithm, typ string) string {
	return `{"kid":"` + foreignKID(alg) + `","alg":"` + string(alg) + `"` + typ + `}`
}

func foreignKID(alg token.Algorithm) string { return "foreign/" + string(alg) + "=" }

func foreignKeys(t testing.TB, alg token.Algorithm) token.KeySet {
	t.Helper()
	jwk := with(t, string(signingKeys()[alg].Public().JWK()), "alg", "", "kid", foreignKID(alg))
	set, err := token.ParseForeignJWKS([]byte(`{"keys":[` + jwk + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func others(t testing.TB) []token.OtherIssuer {
	t.Helper()
	return []token.OtherIssuer{{
		Issuer: cognito, Keys: foreignKeys(t, token.RS256), AudienceClaim: "client_id", Audience: []string{clientID},
		Types: []string{""}, Lifetime: 24 * time.Hour, Claims: map[string]string{"token_use": "access"},
	}, {
		Issuer: openAuth, Keys: foreignKeys(t, token.ES256), AudienceClaim: "aud", Audience: []string{"web"},
		Types: []string{"JWT"}, Lifetime: 30 * 24 * time.Hour, Claims: map[string]string{"mode": "access"},
	}}
}

func severalAt(t testing.TB, now time.Time) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: publicKeys(t), Others: others(t),
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOtherIssuers(t *testing.T) {
	const rs, es = token.RS256, token.ES256
	jwt := `,"typ":"JWT"`
	change := func(in, old, new string) string { return put(t, in, old, new) }
	for _, row := range []struct {
		name, text string
		want       token.Reason // "" means accepted
	}{
		{"our own", sign(t, es, goodHeader(es), goodPayload), ""},
		{"Cognito's access token", sign(t, rs, foreignHeader(rs, ""), cognitoAccess), ""},
		{"OpenAuth's access token", sign(t, es, foreignHeader(es, jwt), openAuthAccess), ""},
		{"a certificate's thumbprint", sign(t, rs, change(foreignHeader(rs, ""), `{`, `{"x5t":"AA",`), cognitoAccess), ""},
		{"neither iat nor jti", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoAccess, `"iat":1700000000,"jti":"a1",`, ``)), ""},
		{"a subject of 255 bytes", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoAccess, `"sub":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"`, `"sub":"`+strings.Repeat("x", 255)+`"`)), ""},

		{"Cognito's ID token", sign(t, rs, foreignHeader(rs, ""), cognitoID), token.ReasonWrongValue},
		{"an ID token that names the client", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoID, `"aud":`, `"client_id":`)), token.ReasonWrongValue},
		{"no token_use", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoAccess, `"token_use":"access",`, ``)), token.ReasonWrongValue},
		{"token_use a list", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoAccess, `"token_use":"access"`, `"token_use":["access"]`)), token.ReasonWrongValue},
		{"another client", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoAccess, clientID, "other")), token.ReasonWrongAudience},
		{"no client", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoAccess, `"client_id":"`+clientID+`",`, ``)), token.ReasonWrongAudience},
		{"the client as aud", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoAccess, `"client_id":`, `"aud":`)), token.ReasonWrongAudience},
		{"a typ, but no typ is accepted", sign(t, rs, foreignHeader(rs, jwt), cognitoAccess), token.ReasonWrongType},
		{"an empty typ instead of no typ", sign(t, rs, foreignHeader(rs, `,"typ":""`), cognitoAccess), token.ReasonWrongType},
		{"no typ, but JWT is required", sign(t, es, foreignHeader(es, ""), openAuthAccess), token.ReasonWrongType},
		{"at+jwt, but JWT is required", sign(t, es, foreignHeader(es, `,"typ":"at+jwt"`), openAuthAccess), token.ReasonWrongType},
		{"OpenAuth's refresh mode", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"mode":"access"`, `"mode":"refresh"`)), token.ReasonWrongValue},
		{"no sub", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"sub":"user:0123456789abcdef",`, ``)), token.ReasonMissingClaim},
		{"no exp", sign(t, es, foreignHeader(es, jwt), change(openAuthAccess, `,"exp":1702592000`, ``)), token.ReasonMissingClaim},
		{"no iss", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"iss":"`+openAuth+`",`, ``)), token.ReasonWrongIssuer},
		{"a subject of 256 bytes", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `user:0123456789abcdef`, strings.Repeat("x", 256))), token.ReasonInvalidClaim},
		{"a subject with a line feed", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `user:`, `user:\n`)), token.ReasonInvalidClaim},

		{"too long a life", sign(t, rs, foreignHeader(rs, ""),
			change(cognitoAccess, `"exp":1700003600`, `"exp":1700086401`)), token.ReasonWrongLifetime},
		{"too long a life without iat", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `1702592000`, `1702592001`)), token.ReasonWrongLifetime},
		{"over without iat", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `1702592000`, `1700000000`)), token.ReasonExpired},
		{"nbf ahead", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"exp"`, `"nbf":1700000031,"exp"`)), token.ReasonNotYetValid},

		{"the shape: a claim twice", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"exp"`, `"mode":"access","exp"`)), token.ReasonAmbiguousName},
		{"the shape: iss twice", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"exp"`, `"iss":"`+issuer+`","exp"`)), token.ReasonAmbiguousName},
		{"the shape: another case", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"exp"`, `"Aud":"web","exp"`)), token.ReasonAmbiguousName},
		{"the shape: exp a text", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `1702592000`, `"1700003600"`)), token.ReasonInvalidClaim},
		{"the shape: iat a list", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"exp"`, `"iat":[1700000000],"exp"`)), token.ReasonInvalidClaim},
		{"the shape: nbf a text", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"exp"`, `"nbf":"1","exp"`)), token.ReasonInvalidClaim},
		{"the shape: aud holds a number", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"aud":"web"`, `"aud":["web",7]`)), token.ReasonInvalidClaim},
		{"the shape: sub a number", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"user:0123456789abcdef"`, `7`)), token.ReasonInvalidClaim},
		{"the shape: sub null", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"user:0123456789abcdef"`, `null`)), token.ReasonMissingClaim},
		{"a subject with outer white space", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `user:0123456789abcdef`, ` user:0123456789abcdef`)), token.ReasonInvalidClaim},
		{"a subject with another white space", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `user:0123456789abcdef`, `user\u2003`)), token.ReasonInvalidClaim},
		{"the shape: crit", sign(t, es, foreignHeader(es, `,"crit":[],"typ":"JWT"`), openAuthAccess), token.ReasonForbiddenHeader},
		{"the shape: a line feed", signText(t, es,
			encode(foreignHeader(es, jwt))+"\n."+encode(openAuthAccess)), token.ReasonMalformed},
		{"the shape: iss and no JSON behind it", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"exp":1702592000}`, `"exp":}`)), token.ReasonMalformed},

		// The keys of one issuer sign nothing in the name of another.
		{"our iss, Cognito's key", sign(t, rs, foreignHeader(rs, `,"typ":"at+jwt"`), goodPayload), token.ReasonUnknownKey},
		{"Cognito's iss, our key", sign(t, rs, put(t, goodHeader(rs), `,"typ":"at+jwt"`, ``), cognitoAccess), token.ReasonUnknownKey},
		{"OpenAuth's iss, Cognito's key", sign(t, rs, foreignHeader(rs, jwt), openAuthAccess), token.ReasonUnknownKey},
		{"an issuer that is not configured", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, openAuth, "https://evil.example.com")), token.ReasonWrongIssuer},
		{"an issuer with a slash", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, openAuth, openAuth+"/")), token.ReasonWrongIssuer},
		{"iss a list", sign(t, es, foreignHeader(es, jwt),
			change(openAuthAccess, `"`+openAuth+`"`, `["`+openAuth+`"]`)), token.ReasonWrongIssuer},
		{"no payload", signText(t, es, encode(foreignHeader(es, jwt))+"."), token.ReasonWrongIssuer},
		{"the signature before the claims", encode(foreignHeader(es, jwt)) + "." +
			encode(change(openAuthAccess, `"exp":1702592000`, `"exp":0`)) + "." + strings.Repeat("A", 86), token.ReasonBadSignature},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := severalAt(t, instant).Verify(t.Context(), row.text)
			if token.ReasonOf(err) != row.want || (err == nil) != (row.want == "") {
				t.Errorf("%v, want %q", err, row.want)
			}
			if (c.Subject != "") != (row.want == "") {
				t.Errorf("the subject is %q", c.Subject)
			}
		})
	}
}

// Two issuers may use the same kid. iss selects the issuer, and the signature proves the choice.
func TestIssuersWithTheSameKID(t *testing.T) {
	named := func(alg token.Algorithm, of token.Algorithm) token.KeySet {
		jwk := with(t, string(signingKeys()[alg].Public().JWK()), "kid", foreignKID(of))
		set, err := token.ParseForeignJWKS([]byte(`{"keys":[` + jwk + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	const es = token.ES256
	theirs := others(t)
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: named(token.EdDSA, es), Others: theirs, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	openAuths := foreignHeader(es, `,"typ":"JWT"`)
	if _, err := v.Verify(t.Context(), sign(t, es, openAuths, openAuthAccess)); err != nil {
		t.Error(err)
	}
	asOurs := foreignHeader(es, `,"typ":"at+jwt"`)
	_, err = v.Verify(t.Context(), sign(t, es, asOurs, goodPayload))
	if token.ReasonOf(err) != token.ReasonWrongAlgorithm {
		t.Errorf("a token signed by OpenAuth with our iss: %v", err)
	}
	theirs[1].Keys = named(token.EdDSA, es)
	v, err = token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: foreignKeys(t, es), Others: theirs, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(t.Context(), sign(t, token.EdDSA,
		put(t, asOurs, `"alg":"ES256"`, `"alg":"EdDSA"`), goodPayload))
	if token.ReasonOf(err) != token.ReasonWrongAlgorithm {
		t.Errorf("a token signed by another issuer with the same kid and our iss: %v", err)
	}
}

func TestOtherIssuersClaims(t *testing.T) {
	payload := put(t, cognitoAccess, `"jti":`, `"sid":"0123456789abcdefghijkl","roles":["r"],"jti":`)
	c, err := severalAt(t, instant).Verify(t.Context(), sign(t, token.RS256, foreignHeader(token.RS256, ""), payload))
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != cognito || c.ClientID != clientID || strings.Join(c.Scope, "+") != "openid+email" ||
		strings.Join(c.Roles, "+") != "r" || string(c.Own["cognito:groups"]) != `["admin"]` || c.Audience != nil {
		t.Errorf("%+v", c)
	}
	if c.SessionID != "" {
		t.Errorf("the sid %q of another issuer is kept", c.SessionID)
	}
}

// Other issuers write a high s in about half of their signatures, so high s is accepted there.
func TestHighSOfOtherIssuers(t *testing.T) {
	signed := encode(foreignHeader(token.ES256, `,"typ":"JWT"`)) + "." + encode(openAuthAccess)
	sig := signature(t, token.ES256, signed)
	raise(sig)
	if _, err := severalAt(t, instant).Verify(t.Context(), signed+"."+encode(string(sig))); err != nil {
		t.Error(err)
	}
	signed = encode(goodHeader(token.ES256)) + "." + encode(goodPayload)
	sig = signature(t, token.ES256, signed)
	raise(sig)
	_, err := severalAt(t, instant).Verify(t.Context(), signed+"."+encode(string(sig)))
	if token.ReasonOf(err) != token.ReasonBadSignature {
		t.Errorf("our own: %v", err)
	}
}

func TestAudienceInAnOwnClaim(t *testing.T) {
	theirs := others(t)[:1]
	theirs[0].AudienceClaim, theirs[0].Audience, theirs[0].Claims = "azp", []string{"web", "app"}, nil
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: publicKeys(t), Others: theirs, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	for claim, want := range map[string]token.Reason{
		`"azp":"app",`: "", `"azp":"other",`: token.ReasonWrongAudience, `"azp":["app"],`: token.ReasonWrongAudience,
		`"azp":null,`: token.ReasonWrongAudience, `"aud":"app",`: token.ReasonWrongAudience, ``: token.ReasonWrongAudience,
	} {
		payload := put(t, cognitoAccess, `"jti":`, claim+`"jti":`)
		_, err := v.Verify(t.Context(), sign(t, token.RS256, foreignHeader(token.RS256, ""), payload))
		if token.ReasonOf(err) != want || (err == nil) != (want == "") {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

func TestOtherIssuersNameWhatIsWrong(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*token.OtherIssuer)
		want   string
	}{
		{"no issuer", func(o *token.OtherIssuer) { o.Issuer = "" }, "number 1: Issuer must"},
		{"an issuer with a line feed", func(o *token.OtherIssuer) { o.Issuer = "a\n" }, "Issuer must"},
		{"our issuer", func(o *token.OtherIssuer) { o.Issuer = issuer }, "Issuer must differ"},
		{"an issuer twice", func(o *token.OtherIssuer) { o.Issuer = openAuth }, "number 2: Issuer must differ"},
		{"no keys", func(o *token.OtherIssuer) { o.Keys = nil }, "Keys must"},
		{"no key", func(o *token.OtherIssuer) { o.Keys = token.KeySet{} }, "Keys must"},
		{"shared keys", func(o *token.OtherIssuer) { o.Keys = sharedKeys(t) }, "Keys must hold public keys"},
		{"no audience", func(o *token.OtherIssuer) { o.Audience = nil }, "Audience must"},
		{"an empty audience", func(o *token.OtherIssuer) { o.Audience = []string{""} }, "Audience must"},
		{"no audience claim", func(o *token.OtherIssuer) { o.AudienceClaim = "" }, "AudienceClaim must"},
		{"the subject as audience", func(o *token.OtherIssuer) { o.AudienceClaim = "sub" }, "AudienceClaim must"},
		{"aud in another case", func(o *token.OtherIssuer) { o.AudienceClaim = "AUD" }, "AudienceClaim must"},
		{"no types", func(o *token.OtherIssuer) { o.Types = nil }, "Types must"},
		{"no lifetime", func(o *token.OtherIssuer) { o.Lifetime = 0 }, "Lifetime must"},
		{"a negative lifetime", func(o *token.OtherIssuer) { o.Lifetime = -1 }, "Lifetime must"},
		{"a value of a registered claim", func(o *token.OtherIssuer) { o.Claims = map[string]string{"sub": "a"} }, "Claims must"},
		{"a value of a misspelt one", func(o *token.OtherIssuer) { o.Claims = map[string]string{"Scope": "a"} }, "Claims must"},
		{"an empty value", func(o *token.OtherIssuer) { o.Claims = map[string]string{"token_use": ""} }, "Claims must"},
		{"a value of no claim", func(o *token.OtherIssuer) { o.Claims = map[string]string{"": "a"} }, "Claims must"},
		{"an issuer that is no URL", func(o *token.OtherIssuer) { o.Issuer = "accounts.example.com" }, ""},
		{"complete", func(*token.OtherIssuer) {}, ""},
	} {
		c := token.VerifierConfig{
			Issuer: issuer, Audience: []string{audience}, Keys: publicKeys(t), Others: others(t), Now: clock,
		}
		row.change(&c.Others[0])
		_, err := token.NewVerifier(c)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// Only the issuer that iss names is asked for its keys. An issuer whose keys are unavailable must
// not block the other issuers.
func TestOnlyTheIssuersOwnKeysAreAsked(t *testing.T) {
	theirs := others(t)
	theirs[0].Keys = keysFunc(func(string) (token.Key, error) { return token.Key{}, auth.ErrUnavailable })
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: publicKeys(t), Others: theirs, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		sign(t, token.ES256, goodHeader(token.ES256), goodPayload),
		sign(t, token.ES256, foreignHeader(token.ES256, `,"typ":"JWT"`), openAuthAccess),
	} {
		if _, err := v.Verify(t.Context(), text); err != nil {
			t.Error(err)
		}
	}
	_, err = v.Verify(t.Context(), sign(t, token.RS256, foreignHeader(token.RS256, ""), cognitoAccess))
	if err == nil || token.ReasonOf(err) != "" {
		t.Errorf("keys out of reach: %v", err)
	}
}
