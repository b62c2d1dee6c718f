package token

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// Reason says why a token was refused. The list is closed: metrics and logs may count by it.
type Reason string

const (
	TooLong         Reason = "too_long"
	Malformed       Reason = "malformed"        // not three segments of strict base64url around strict JSON
	AmbiguousName   Reason = "ambiguous_name"   // twice, or registered but for upper and lower case
	ForbiddenHeader Reason = "forbidden_header" // crit, a key or its address, compression, ...
	WrongType       Reason = "wrong_type"       // typ is not at+jwt, or what another issuer may write
	UnknownKey      Reason = "unknown_key"
	WrongAlgorithm  Reason = "wrong_algorithm" // not the one that belongs to the key
	BadSignature    Reason = "bad_signature"
	MissingClaim    Reason = "missing_claim" // absent or empty
	InvalidClaim    Reason = "invalid_claim" // of another JSON type, or with content that it may not hold
	WrongIssuer     Reason = "wrong_issuer"
	WrongAudience   Reason = "wrong_audience"
	WrongValue      Reason = "wrong_value"    // a claim does not say what another issuer's tokens must
	WrongLifetime   Reason = "wrong_lifetime" // exp - iat is not above 0 and at most MaxLifetime, or another issuer's
	Expired         Reason = "expired"
	IssuedAhead     Reason = "issued_ahead" // iat lies beyond the leeway
	NotYetValid     Reason = "not_yet_valid"
)

// Error is a refused token. Its text holds no byte of the token and may be logged. errors.Is finds golang-jwt's
// sentinels in it: ErrTokenExpired, ErrTokenSignatureInvalid, ErrTokenMalformed and so on.
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

// Unwrap returns golang-jwt's sentinels for the reason and the error beneath, if there is one.
func (e *Error) Unwrap() []error {
	errs := sentinels(e.Reason)
	if e.cause != nil {
		errs = append(errs, e.cause)
	}
	return errs
}

// ReasonOf returns why a token was refused, and "" for every other error: that of a key source that knows
// nothing at the moment, for one, says nothing about the token.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}

// refuse makes an Error. The detail is written here, never in the token, and so is the text of cause.
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
