package authorizer

import (
	"github.com/edgeauth/edgeauth/internal/bearer"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// reason says why a request was allowed or refused, for the log. The set is closed: the constants
// below, those of [token.Reason], and the words of Config.Sessions.
type reason string

// fault is the reason of a fault: why no answer can be encoded, or what could not be read.
type fault reason

func (f fault) Error() string { return string(f) }

// Is reports whether the fault means that the keys or the sessions could not be read. The metrics
// count this fault as an error of the store.
func (f fault) Is(target error) bool {
	return target == auth.ErrUnavailable && (reason(f) == reasonKeysUnavailable || reason(f) == reasonSessionsUnavailable)
}

const (
	reasonOK reason = "ok"

	// Refusals before the token is verified.
	reasonNoToken                = reason(bearer.Missing)
	reasonNotBearer              = reason(bearer.OtherScheme)
	reasonMalformedHeader        = reason(bearer.Malformed)
	reasonSeveralTokens          = reason(bearer.Several)
	reasonCrossSite       reason = "cross_site" // a cookie sent by a page of another site
	// reasonSessionToken refuses the token of an opaque session at an authorizer that does not
	// check sessions, and outside its cookie.
	reasonSessionToken reason = "session_token"

	// Refusals of a valid token. Words of Config.Sessions, such as "revoked", are further reasons.
	reasonOtherIssuer       reason = "other_issuer"    // only tokens of this issuer have a session here
	reasonIdentityHeader    reason = "identity_header" // a backend could take the client's header for the gateway's
	reasonUnlistedRoute     reason = "unlisted_route"
	reasonAmbiguousPath     reason = "ambiguous_path" // a backend may route the path differently
	reasonInsufficientScope reason = "insufficient_scope"
	reasonMissingRole       reason = "missing_role"
	reasonStaleLogin        reason = "stale_login" // the last password check is too old

	// Faults.
	reasonUnknownEvent        reason = "unknown_event"        // no place reads the event
	reasonMalformedARN        reason = "malformed_arn"        // no policy can be written for the ARN
	reasonKeysUnavailable     reason = "keys_unavailable"     // the key source failed; the token may be valid
	reasonSessionsUnavailable reason = "sessions_unavailable" // the session was not read; it may still be open
	reasonContextTooLong      reason = "context_too_long"     // the configured claims do not fit
	reasonAnswerTooLong       reason = "answer_too_long"      // the policy does not fit, not even for one request
	reasonContextUnwritable   reason = "context_unwritable"   // a configured claim is not a flat value
)
