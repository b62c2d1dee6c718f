package authorizer

// Reason says why a decision fell, for the log. The list is closed: the reasons here, and token.Reason's.
type Reason string

const (
	ReasonOK Reason = "ok"

	// Refusals before a token was looked at.
	ReasonNoToken         Reason = "no_token"
	ReasonNotBearer       Reason = "not_bearer"       // another scheme
	ReasonMalformedHeader Reason = "malformed_header" // more or less than a scheme, a space and a token
	ReasonSeveralTokens   Reason = "several_tokens"

	// Faults.
	ReasonUnknownEvent    Reason = "unknown_event"    // none of the places reads it
	ReasonMalformedARN    Reason = "malformed_arn"    // no policy can be written for it
	ReasonKeysUnavailable Reason = "keys_unavailable" // the key source failed; the token may be good
)
