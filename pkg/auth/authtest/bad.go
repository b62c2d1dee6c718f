package authtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// BadToken is a text that no API may accept as an access token.
type BadToken struct {
	// Name says what is wrong, in a few words that serve as the name of a subtest.
	Name string
	// Text is the token, as in a request's header.
	Text string
	// Reason is the reason for which edgeauth's verifier refuses the token.
	Reason token.Reason
	// Why says what can happen to an API that accepts the token.
	Why string
	// Strict means that golang-jwt accepts the token, with all of its checks switched on. Other
	// libraries accept some of these tokens too. The tests of an API that verifies with such a
	// library may have to leave them out.
	Strict bool
}

// BadTokens returns bad tokens for a subject. Each differs in one way from a token that is valid at
// the time of Clock.
func (a *Authority) BadTokens(subject auth.SubjectID) []BadToken {
	a.t.Helper()
	f := a.forger(subject)
	all := f.outOfTime()
	all = append(all, f.forOthers()...)
	all = append(all, f.unsigned()...)
	all = append(all, f.signedByOthers()...)
	all = append(all, f.ambiguous()...)
	all = append(all, f.malformed()...)
	a.must("make bad tokens", f.err)
	return all
}

func bad(name, text string, reason token.Reason, why string) BadToken {
	return BadToken{Name: name, Text: text, Reason: reason, Why: why}
}

func strict(name, text string, reason token.Reason, why string) BadToken {
	return BadToken{Name: name, Text: text, Reason: reason, Why: why, Strict: true}
}

func (f *forger) outOfTime() []BadToken {
	at := func(d time.Duration) int64 { return f.now.Add(d).Unix() }
	return []BadToken{
		bad("expired",
			f.claims(members{"iat": at(-25 * time.Minute), "exp": at(-10 * time.Minute)}),
			token.ReasonExpired, "A token that leaks once opens the API for good."),
		bad("not yet valid",
			f.claims(members{"nbf": at(10 * time.Minute)}),
			token.ReasonNotYetValid, "Its issuer allows its use later, but not now (RFC 7519, section 4.1.5)."),
		bad("issued in the future",
			f.claims(members{"iat": at(10 * time.Minute), "exp": at(25 * time.Minute)}),
			token.ReasonIssuedAhead, "One of two clocks is wrong, so exp does not bound its use."),
		bad("without expiry",
			f.claims(members{"exp": nil}),
			token.ReasonMissingClaim, "It never ends. RFC 9068, section 2.2, requires exp."),
		bad("expiry as text",
			f.claims(members{"exp": fmt.Sprint(at(15 * time.Minute))}),
			token.ReasonInvalidClaim, "exp is a number (RFC 7519, section 4.1.4). A comparison of texts takes 9 for later than 10."),
		strict("lifetime of a day",
			f.claims(members{"exp": at(24 * time.Hour)}),
			token.ReasonWrongLifetime, "It outlives its session's logout by a day. edgeauth issues tokens for an hour at most."),
	}
}

func (f *forger) forOthers() []BadToken {
	issuer, _ := f.payload["iss"].(string)
	return []BadToken{
		bad("wrong issuer",
			f.claims(members{"iss": "https://issuer.invalid"}),
			token.ReasonWrongIssuer, "Another issuer's user has the same subject as one of yours."),
		bad("issuer with a slash",
			f.claims(members{"iss": issuer + "/"}),
			token.ReasonWrongIssuer, "Two spellings of a URL can be two issuers. Compare byte for byte (RFC 8725, section 3.8)."),
		bad("wrong audience",
			f.claims(members{"aud": "https://audience.invalid"}),
			token.ReasonWrongAudience, "Another API, which the user trusts less, uses the token here (RFC 9068, section 5)."),
		bad("without audience",
			f.claims(members{"aud": nil}),
			token.ReasonMissingClaim, "Every API that skips the check takes it."),
		bad("wrong typ",
			f.headers(members{"typ": "JWT"}),
			token.ReasonWrongType, "An ID token of the same issuer passes for an access token (RFC 9068, section 5)."),
		bad("without typ",
			f.headers(members{"typ": nil}),
			token.ReasonWrongType, "Any JWT of the same issuer passes for an access token (RFC 8725, section 3.11)."),
		strict("without subject",
			f.claims(members{"sub": nil}),
			token.ReasonMissingClaim, "The API serves a user whose name is empty."),
		strict("without client",
			f.claims(members{"client_id": nil}),
			token.ReasonMissingClaim, "RFC 9068, section 2.2, requires client_id, which an ID token does not have."),
	}
}

// unsigned returns tokens that a client can make without a key.
func (f *forger) unsigned() []BadToken {
	header, payload, _ := f.segments()
	none := func(alg string) string {
		return encode(f.header.with(members{"alg": alg}).text()) + "." + payload + "."
	}
	admin := encode(f.payload.with(members{"roles": []string{"admin"}}).text())

	public, err := x509.MarshalPKIXPublicKey(f.signer.private.Public())
	f.note(err)
	shared := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	confused := encode(f.header.with(members{"alg": "HS256"}).text()) + "." + payload
	shared.Write([]byte(confused))

	const anyClient = "Any client can write it. "
	return []BadToken{
		bad("alg none",
			none("none"),
			token.ReasonWrongAlgorithm, anyClient+"It has no signature (RFC 8725, section 2.1)."),
		bad("alg nOnE",
			none("nOnE"),
			token.ReasonWrongAlgorithm, anyClient+"It passes where a list forbids the name none alone."),
		bad("HS256 with the public key",
			confused+"."+encode(string(shared.Sum(nil))),
			token.ReasonWrongAlgorithm, anyClient+"The secret is the public key, in PEM (RFC 8725, section 2.1)."),
		bad("key in the header",
			f.stranger(members{"alg": "EdDSA", "kid": f.signer.key.ID(), "typ": token.Type, "jwk": f.strangerJWK()}),
			token.ReasonForbiddenHeader, anyClient+"It brings its own key (RFC 8725, section 3.10)."),
		bad("tampered payload",
			header+"."+admin+"."+f.signature(),
			token.ReasonBadSignature, "A user becomes an admin."),
		bad("without signature",
			header+"."+payload+".",
			token.ReasonBadSignature, anyClient+"The signature is empty."),
		bad("truncated",
			header+"."+payload+"."+f.signature()[:40],
			token.ReasonBadSignature, "A signature counts as a whole. A part is quicker to guess."),
	}
}

func (f *forger) signedByOthers() []BadToken {
	other := token.ES256
	if f.signer.key.Algorithm() == other {
		other = token.RS256
	}
	return []BadToken{
		bad("unknown kid",
			f.stranger(members{"alg": "EdDSA", "kid": "stranger", "typ": token.Type}),
			token.ReasonUnknownKey, "A stranger's key signed it."),
		bad("key of another kid",
			f.signedByNext(),
			token.ReasonBadSignature, "A verifier that tries every key does not notice that a key was meant for another use."),
		bad("alg of another key",
			f.headers(members{"alg": string(other)}),
			token.ReasonWrongAlgorithm, "The token chooses the algorithm. The key must (RFC 8725, section 3.1)."),
		bad("without kid",
			f.headers(members{"kid": nil}),
			token.ReasonUnknownKey, "A verifier that tries every key does not notice that a key was meant for another use."),
	}
}

func (f *forger) ambiguous() []BadToken {
	return []BadToken{
		strict("duplicate claim",
			f.append(`"sub":"admin"`),
			token.ReasonAmbiguousName, "The verifier reads one subject and the API the other."),
		strict("claim in another case",
			f.append(`"Sub":"admin"`),
			token.ReasonAmbiguousName, "encoding/json and libraries like it read Sub for sub."),
		strict("critical extension",
			f.headers(members{"crit": []string{"b64"}, "b64": false}),
			token.ReasonForbiddenHeader, "The header changes what is signed. An API that does not know how must refuse (RFC 7515, section 4.1.11)."),
		bad("second spelling",
			f.respelled(),
			token.ReasonMalformed, "A list of revoked tokens has the first spelling, and does not know the second."),
	}
}

func (f *forger) malformed() []BadToken {
	header, payload, signature := f.segments()
	return []BadToken{
		bad("two segments",
			header+"."+payload,
			token.ReasonMalformed, "It has no signature."),
		bad("four segments",
			f.good+"."+signature,
			token.ReasonMalformed, "The signature does not cover the fourth."),
		bad("padded",
			f.good+"==",
			token.ReasonMalformed, "It is a second spelling: a JWS has no padding (RFC 7515, section 2)."),
		bad("payload without JSON",
			f.signedText(f.header.text(), "sub=admin"),
			token.ReasonMalformed, "It has no claims to check."),
		bad("text",
			"admin",
			token.ReasonMalformed, "It is not a token."),
		strict("too long",
			f.claims(members{"own": strings.Repeat("x", token.MaxBytes)}),
			token.ReasonTooLong, "The work of a check grows with the token. edgeauth issues tokens of 8 KB at most."),
	}
}
