package authorizer

import "github.com/edgeauth/edgeauth/internal/bearer"

// Reason says why a decision fell, for the log. The list is closed: the reasons here, and token.Reason's.
type Reason string

// fault is why no answer can be written.
type fault Reason

func (f fault) Error() string { return string(f) }

const (
	ReasonOK Reason = "ok"

	// Refusals before a token was looked at.
	ReasonNoToken                = Reason(bearer.Missing)
	ReasonNotBearer              = Reason(bearer.OtherScheme)
	ReasonMalformedHeader        = Reason(bearer.Malformed)
	ReasonSeveralTokens          = Reason(bearer.Several)
	ReasonCrossSite       Reason = "cross_site" // a cookie's token on an unsafe method, and not from our pages

	// Refusals of a good token.
	ReasonUnlistedRoute     Reason = "unlisted_route"
	ReasonAmbiguousPath     Reason = "ambiguous_path" // a backend may read it as another path
	ReasonInsufficientScope Reason = "insufficient_scope"
	ReasonMissingRole       Reason = "missing_role"
	ReasonStaleLogin        Reason = "stale_login" // the password was proven too long ago

	// Faults.
	ReasonUnknownEvent      Reason = "unknown_event"      // none of the places reads it
	ReasonMalformedARN      Reason = "malformed_arn"      // no policy can be written for it
	ReasonKeysUnavailable   Reason = "keys_unavailable"   // the key source failed; the token may be good
	ReasonContextTooLong    Reason = "context_too_long"   // the claims on the list do not fit
	ReasonContextUnwritable Reason = "context_unwritable" // a claim on the list is no flat value
)
