package user

// The errors that only tests tell apart.
var (
	ErrAmbiguous = errAmbiguous
	ErrClaims    = errClaims
	ErrCreated   = errCreated
	ErrRole      = errRole
	ErrStored    = errStored
	ErrSubject   = errSubject
)
