package session

// Outcome is what a refresh, or a logout, turned out to be: one word for the audit log, the metrics and the tests.
type Outcome string

// The closed list of outcomes.
const (
	Rotated   Outcome = "rotated"   // the session moved on by one generation
	Recovered Outcome = "recovered" // a late duplicate: answered anew, and its generation stamped anew
	Duplicate Outcome = "duplicate" // a duplicate (tab, retry, fan-out): a branch of its own, nothing written
	Same      Outcome = "same"      // a second refresh within the minimum interval: an access token alone
	Extended  Outcome = "extended"  // profile fixed: the idle end slid, nothing else
	Restored  Outcome = "restored"  // the table was moved up to a token newer than itself

	Fork  Outcome = "fork"  // two holders went different ways: a copy
	Reuse Outcome = "reuse" // a token was used whose successor was used, or long after its child: a copy

	LoggedOut Outcome = "logged_out" // of a logout: its session is over now

	Missing       Outcome = "missing"
	Revoked       Outcome = "revoked"
	Idle          Outcome = "idle"
	Absolute      Outcome = "absolute"
	ForeignClient Outcome = "foreign_client" // another client's session
	Forged        Outcome = "forged"         // no token of ours

	UnknownClient Outcome = "unknown_client" // its client is not configured any more
	WiderScope    Outcome = "wider_scope"    // it asks for more than the session was granted

	SubjectMissing    Outcome = "subject_missing"
	SubjectDisabled   Outcome = "subject_disabled"
	SubjectSuperseded Outcome = "subject_superseded" // its token version rose after the login

	Behind    Outcome = "behind"    // the table is older than an authentic token: it was restored
	Throttled Outcome = "throttled" // the store refused for load
	Failed    Outcome = "error"     // the store or the key source did not answer, or did something else
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

// Terminal reports whether the refresh token will never work again, so that the client should log in anew.
// A failure is not terminal, nor is a request that asks wrongly: the token stays good.
func (o Outcome) Terminal() bool {
	switch o {
	case ForeignClient, UnknownClient, WiderScope, Behind, Throttled, Failed:
		return false
	}
	return !o.Grants()
}
