package token

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// Reason says why [Verifier.Verify] refuses a token. The set of values is closed, so metrics and
// logs may count by Reason.
type Reason string

const (
	TooLong         Reason = "too_long"
	Malformed       Reason = "malformed"        // not base64url segments of strict JSON
	AmbiguousName   Reason = "ambiguous_name"   // a name is repeated or differs in case
	ForbiddenHeader Reason = "forbidden_header" // crit, an embedded key or its URL, compression, ...
	WrongType       Reason = "wrong_type"       // typ is not an accepted type
	UnknownKey      Reason = "unknown_key"
	WrongAlgorithm  Reason = "wrong_algorithm" // alg is not the algorithm of the key
	BadSignature    Reason = "bad_signature"
	MissingClaim    Reason = "missing_claim" // absent or empty
	InvalidClaim    Reason = "invalid_claim" // the wrong JSON type, or content that is not allowed
	WrongIssuer     Reason = "wrong_issuer"
	WrongAudience   Reason = "wrong_audience"
	WrongValue      Reason = "wrong_value"    // a claim in OtherIssuer.Claims differs
	WrongLifetime   Reason = "wrong_lifetime" // exp - iat is not in (0, MaxLifetime]
	Expired         Reason = "expired"
	IssuedAhead     Reason = "issued_ahead" // iat is later than now + Leeway
	NotYetValid     Reason = "not_yet_valid"
)

// Error says why a token is refused. Its text contains no part of the token and is safe to log. It
// wraps the matching errors of golang-jwt for [errors.Is]: ErrTokenExpired,
// ErrTokenSignatureInvalid, ErrTokenMalformed and so on.
type Error struct {
	Reason Reason
	detail string
	cause  error
}

func (e *Error) Error() string {
	text := "access token refused: " + string(e.Reason) + ": " + e.detail
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns golang-jwt's errors for the reason, and the underlying error if there is one.
func (e *Error) Unwrap() []error {
	errs := sentinels(e.Reason)
	if e.cause != nil {
		errs = append(errs, e.cause)
	}
	return errs
}

// ReasonOf returns the reason of a refused token, or "" if err is not an *Error. A key source that
// is unavailable yields "": the failure says nothing about the token.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}

// refuse returns an *Error. Neither detail nor the text of cause may contain any part of the token.
func refuse(reason Reason, detail string, cause error) error {
	return &Error{Reason: reason, detail: detail, cause: cause}
}

func sentinels(r Reason) []error {
	switch r {
	case TooLong, Malformed, AmbiguousName:
		return []error{jwt.ErrTokenMalformed}
	case ForbiddenHeader, WrongType, UnknownKey:
		return []error{jwt.ErrTokenUnverifiable}
	case WrongAlgorithm, BadSignature:
		return []error{jwt.ErrTokenSignatureInvalid}
	case MissingClaim:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenRequiredClaimMissing}
	case WrongIssuer:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenInvalidIssuer}
	case WrongAudience:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenInvalidAudience}
	case Expired:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenExpired}
	case IssuedAhead:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenUsedBeforeIssued}
	case NotYetValid:
		return []error{jwt.ErrTokenInvalidClaims, jwt.ErrTokenNotValidYet}
	default:
		return []error{jwt.ErrTokenInvalidClaims}
	}
}
