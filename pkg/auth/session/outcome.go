package session

// Outcome is the result of a refresh, a logout or a check, as one word for the audit log, the
// metrics and the tests.
type Outcome string

// The closed list of outcomes.
const (
	Rotated   Outcome = "rotated"   // the session moved to the next generation
	Recovered Outcome = "recovered" // a late duplicate: got a new branch, and RotatedAt was renewed
	Duplicate Outcome = "duplicate" // a duplicate (tab, retry, fan-out): got its own branch, no write
	Same      Outcome = "same"      // within the minimum interval: gets an access token only
	Extended  Outcome = "extended"  // profile fixed: only the idle end moved
	Restored  Outcome = "restored"  // the restored item caught up with a newer token

	Fork  Outcome = "fork"  // theft: two holders used different branches of one generation
	Reuse Outcome = "reuse" // theft: a token was used after its successor, long after its child, or with another profile

	LoggedOut Outcome = "logged_out" // a logout ended the session

	Missing       Outcome = "missing"
	Revoked       Outcome = "revoked"
	Idle          Outcome = "idle"
	Absolute      Outcome = "absolute"
	ForeignClient Outcome = "foreign_client" // the session belongs to another client
	Forged        Outcome = "forged"         // not an authentic token
	KeyDropped    Outcome = "key_dropped"    // sealed under a key that an operator dropped

	UnknownClient Outcome = "unknown_client" // the session's client is not configured
	WiderScope    Outcome = "wider_scope"    // the request asks for more than was granted

	SubjectMissing    Outcome = "subject_missing"
	SubjectDisabled   Outcome = "subject_disabled"
	SubjectSuperseded Outcome = "subject_superseded" // the user's token version rose after the login

	Behind    Outcome = "behind"    // the item is older than an authentic token: a restored table
	Throttled Outcome = "throttled" // the store refused because of load
	Failed    Outcome = "error"     // the store or the key source failed
)

// Grants reports whether the outcome is answered with tokens.
func (o Outcome) Grants() bool {
	switch o {
	case Rotated, Recovered, Duplicate, Same, Extended, Restored:
		return true
	}
	return false
}

// Theft reports whether the outcome proves a copy of a refresh token.
func (o Outcome) Theft() bool { return o == Fork || o == Reuse }

// Terminal reports whether the refresh token will never work again, so that the client must log in
// anew. Failures and wrong requests are not terminal: the token stays good.
func (o Outcome) Terminal() bool {
	switch o {
	case ForeignClient, UnknownClient, WiderScope, Behind, Throttled, Failed:
		return false
	}
	return !o.Grants()
}
