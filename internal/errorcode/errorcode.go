// Package errorcode lists the error codes that endpoints answer with, in one place for the code,
// its tests and docs/http.md.
package errorcode

// Code is the member error of an answer: a code of RFC 6749, section 5.2, of RFC 6750, section 3.1,
// or of RFC 7009, section 2.2.1, or of draft-ietf-oauth-first-party-apps, or edgeauth's own code.
// Clients compare it. Only a step that a deployment adds to a login can answer with a code that is
// not in this list.
type Code string

// Every code. docs/http.md says which endpoint answers with which code, and what a client does
// then.
const (
	// InsufficientUserAuthentication is the code of RFC 9470, section 3.
	InsufficientUserAuthentication Code = "insufficient_user_authentication"

	InvalidClient          Code = "invalid_client"
	InvalidCode            Code = "invalid_code"
	InvalidCredentials     Code = "invalid_credentials"
	InvalidGrant           Code = "invalid_grant"
	InvalidRequest         Code = "invalid_request"
	InvalidScope           Code = "invalid_scope"
	InvalidSession         Code = "invalid_session"
	InvalidToken           Code = "invalid_token"
	MethodNotAllowed       Code = "method_not_allowed"
	NotFound               Code = "not_found"
	OriginNotAllowed       Code = "origin_not_allowed"
	PasswordChangeRequired Code = "password_change_required"
	PasswordNotAllowed     Code = "password_not_allowed"
	RequestTooLarge        Code = "request_too_large"
	ServerError            Code = "server_error"
	TemporarilyUnavailable Code = "temporarily_unavailable"
	TooManyRequests        Code = "too_many_requests"
	UnsupportedGrantType   Code = "unsupported_grant_type"
	UnsupportedMediaType   Code = "unsupported_media_type"
	UnsupportedTokenType   Code = "unsupported_token_type"
)

// All returns every code in alphabetical order, in a new slice.
func All() []Code {
	return []Code{
		InsufficientUserAuthentication, InvalidClient, InvalidCode, InvalidCredentials, InvalidGrant, InvalidRequest, InvalidScope,
		InvalidSession, InvalidToken, MethodNotAllowed, NotFound, OriginNotAllowed, PasswordChangeRequired,
		PasswordNotAllowed, RequestTooLarge, ServerError, TemporarilyUnavailable,
		TooManyRequests, UnsupportedGrantType, UnsupportedMediaType, UnsupportedTokenType,
	}
}
