package gateway

import "errors"

var (
	// ErrMalformedEvent says that an event describes no HTTP request, or a request no event.
	ErrMalformedEvent = errors.New("malformed event")
	// ErrMalformedAnswer says that a function's answer is none that the gateway takes.
	ErrMalformedAnswer = errors.New("malformed answer")
	// ErrBodyTooLarge says that a request's body is longer than MaxBodyBytes; the gateway answers 413.
	ErrBodyTooLarge = errors.New("body too large")
	// ErrNoIdentity says that a request has no Authorization header. The gateway answers 401 and does not call the
	// authorizer.
	ErrNoIdentity = errors.New("no identity source")
)
