package user

// Errors that only tests distinguish.
var (
	ErrAmbiguous = errAmbiguous
	ErrClaims    = errClaims
	ErrCreated   = errCreated
	ErrRole      = errRole
	ErrStored    = errStored
	ErrSubject   = errSubject
)
