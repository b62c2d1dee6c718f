package standin

import "errors"

var (
	// ErrMalformedRequest says that a request cannot be written as an event. The gateway answers
	// 400.
	ErrMalformedRequest = errors.New("malformed request")
	// ErrMalformedAnswer says that the gateway does not accept a function's answer. The gateway
	// answers 500.
	ErrMalformedAnswer = errors.New("malformed answer")
	// ErrBodyTooLarge says that a request's body is longer than [MaxBodyBytes]. The gateway answers
	// 413.
	ErrBodyTooLarge = errors.New("body too large")
	// ErrNoIdentity says that a request lacks the header that is the authorizer's identity source.
	// The gateway answers 401 and does not call the authorizer.
	ErrNoIdentity = errors.New("no identity source")
)
