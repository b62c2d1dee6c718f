package authorizer

import "github.com/edgeauth/edgeauth/internal/bearer"

// Reason says why a request was allowed or refused, for the log. The set is closed: the constants
// below and those of [token.Reason].
type Reason string

// fault is the reason why no answer can be encoded.
type fault Reason

func (f fault) Error() string { return string(f) }

const (
	ReasonOK Reason = "ok"

	// Refusals before the token is verified.
	ReasonNoToken                = Reason(bearer.Missing)
	ReasonNotBearer              = Reason(bearer.OtherScheme)
	ReasonMalformedHeader        = Reason(bearer.Malformed)
	ReasonSeveralTokens          = Reason(bearer.Several)
	ReasonCrossSite       Reason = "cross_site" // a cookie sent by a page of another site

	// Refusals of a valid token.
	ReasonUnlistedRoute     Reason = "unlisted_route"
	ReasonAmbiguousPath     Reason = "ambiguous_path" // a backend may route the path differently
	ReasonInsufficientScope Reason = "insufficient_scope"
	ReasonMissingRole       Reason = "missing_role"
	ReasonStaleLogin        Reason = "stale_login" // the last password check is too old

	// Faults.
	ReasonUnknownEvent      Reason = "unknown_event"      // no place reads the event
	ReasonMalformedARN      Reason = "malformed_arn"      // no policy can be written for the ARN
	ReasonKeysUnavailable   Reason = "keys_unavailable"   // the key source failed; the token may be valid
	ReasonContextTooLong    Reason = "context_too_long"   // the configured claims do not fit
	ReasonContextUnwritable Reason = "context_unwritable" // a configured claim is not a flat value
)
