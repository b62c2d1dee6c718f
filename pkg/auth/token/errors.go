package token

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// Reason says why [Verifier.Verify] refuses a token; see [ReasonOf]. The set of values is closed,
// so metrics and logs may count by Reason.
type Reason string

const (
	ReasonTooLong         Reason = "too_long"
	ReasonMalformed       Reason = "malformed"        // not base64url segments of strict JSON
	ReasonAmbiguousName   Reason = "ambiguous_name"   // a name is repeated or differs in case
	ReasonForbiddenHeader Reason = "forbidden_header" // crit, an embedded key or its URL, compression, ...
	ReasonWrongType       Reason = "wrong_type"       // typ is not an accepted type
	ReasonUnknownKey      Reason = "unknown_key"
	ReasonWrongAlgorithm  Reason = "wrong_algorithm" // alg is not the algorithm of the key
	ReasonBadSignature    Reason = "bad_signature"
	ReasonMissingClaim    Reason = "missing_claim" // absent or empty
	ReasonInvalidClaim    Reason = "invalid_claim" // the wrong JSON type, or content that is not allowed
	ReasonWrongIssuer     Reason = "wrong_issuer"
	ReasonWrongAudience   Reason = "wrong_audience"
	ReasonWrongValue      Reason = "wrong_value"    // a claim in OtherIssuer.Claims differs
	ReasonWrongLifetime   Reason = "wrong_lifetime" // exp - iat is not in (0, MaxLifetime]
	ReasonExpired         Reason = "expired"
	ReasonIssuedAhead     Reason = "issued_ahead" // iat is later than now + Leeway
	ReasonNotYetValid     Reason = "not_yet_valid"
)

// refusal is the error of a refused token. Its text contains no part of the token and is safe to
// log. It wraps the matching errors of golang-jwt for [errors.Is]: ErrTokenExpired,
// ErrTokenSignatureInvalid, ErrTokenMalformed and so on.
type refusal struct {
	Reason Reason
	claim  string
	detail string
	cause  error
}

func (e *refusal) Error() string {
	text := "access token refused: " + string(e.Reason) + ": " + e.detail
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns golang-jwt's errors for the reason, and the underlying error if the refusal has
// one.
func (e *refusal) Unwrap() []error {
	errs := sentinels(e.Reason)
	if e.cause != nil {
		errs = append(errs, e.cause)
	}
	return errs
}

// ReasonOf returns the reason of a refused token, or "" if err is not the refusal of a token. A key
// source that is unavailable yields "": the failure says nothing about the token.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.Reason
	}
	return ""
}

// ClaimOf returns the name of the claim for which a token is refused, or "" if the refusal is not
// about one claim. The name belongs to the profile (RFC 9068, section 2.2) or to the configuration
// of another issuer. It is never text of the token, so it is safe to log.
func ClaimOf(err error) string {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refused.claim
	}
	return ""
}

// refuseClaim is refuse for one claim. name must be a registered name or a name from the
// configuration.
func refuseClaim(reason Reason, name, detail string, cause error) error {
	return &refusal{Reason: reason, claim: name, detail: detail, cause: cause}
}

// refuse returns a *refusal. Neither detail nor the text of cause may contain any part of the
// token.
func refuse(reason Reason, detail string, cause error) error {
	return &refusal{Reason: reason, detail: detail, cause: cause}
}

func sentinels(r Reason) []error {
	switch r {
	case ReasonTooLong, ReasonMalformed, ReasonAmbiguousName:
		return []error{jwt.ErrTokenMalformed}
	case ReasonForbiddenHeader, ReasonWrongType, ReasonUnknownKey:
		return []error{jwt.ErrTokenUnverifiable}
	case ReasonWrongAlgorithm, ReasonBadSignature:
		return []error{jwt.ErrTokenSignatureInvalid}
	case ReasonMissingClaim:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenRequiredClaimMissing}
	case ReasonWrongIssuer:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenInvalidIssuer}
	case ReasonWrongAudience:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenInvalidAudience}
	case ReasonExpired:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenExpired}
	case ReasonIssuedAhead:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenUsedBeforeIssued}
	case ReasonNotYetValid:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenNotValidYet}
	default:
		return []error{jwt.ErrTokenInvalidClaims}
	}
}
