package session

// Outcome is the result of a refresh, a logout or a check, as one word for the audit log, the
// metrics and the tests.
type Outcome string

// The closed list of outcomes.
const (
	OutcomeRotated   Outcome = "rotated"   // the session moved to the next generation
	OutcomeRecovered Outcome = "recovered" // a late duplicate: got a new branch, and RotatedAt was renewed
	OutcomeDuplicate Outcome = "duplicate" // a duplicate (tab, retry, fan-out): got its own branch, no write
	OutcomeSame      Outcome = "same"      // within the minimum interval or a handover: gets an access token only
	OutcomeExtended  Outcome = "extended"  // profile fixed: only the idle end moved
	OutcomeRestored  Outcome = "restored"  // the restored item caught up with a newer token

	OutcomeFork  Outcome = "fork"  // theft: two holders used different branches of one generation
	OutcomeReuse Outcome = "reuse" // theft: a token was used after its successor, long after its child, or with another profile

	OutcomeLoggedOut Outcome = "logged_out" // a logout ended the session
	OutcomeEnded     Outcome = "ended"      // Manager.Revoke ended the session

	OutcomeMissing       Outcome = "missing"
	OutcomeRevoked       Outcome = "revoked"
	OutcomeIdle          Outcome = "idle"
	OutcomeAbsolute      Outcome = "absolute"
	OutcomeNotBefore     Outcome = "not_before"     // the session was created before Rules.SessionsNotBefore
	OutcomeForeignClient Outcome = "foreign_client" // the session belongs to another client
	OutcomeOtherDelivery Outcome = "other_delivery" // the token came in the body and its session uses a cookie, or the reverse
	OutcomeForged        Outcome = "forged"         // not an authentic token
	OutcomeKeyDropped    Outcome = "key_dropped"    // sealed under a key that an operator dropped

	OutcomeReauth        Outcome = "reauth"         // a signal for which the client asks for a login; the session continues
	OutcomeUnknownClient Outcome = "unknown_client" // the session's client is not configured
	OutcomeWiderScope    Outcome = "wider_scope"    // the request asks for more than was granted

	OutcomeSubjectMissing    Outcome = "subject_missing"
	OutcomeSubjectDisabled   Outcome = "subject_disabled"
	OutcomeSubjectSuperseded Outcome = "subject_superseded" // the user's token version rose after the login

	OutcomeBehind    Outcome = "behind"    // the item is older than an authentic token: a restored table
	OutcomeThrottled Outcome = "throttled" // the store refused because of load
	OutcomeFailed    Outcome = "error"     // the store or the key source failed
)

// Grants reports whether the outcome is answered with tokens.
func (o Outcome) Grants() bool {
	switch o {
	case OutcomeRotated, OutcomeRecovered, OutcomeDuplicate, OutcomeSame, OutcomeExtended, OutcomeRestored:
		return true
	}
	return false
}

// Theft reports whether the outcome proves a copy of a refresh token.
func (o Outcome) Theft() bool { return o == OutcomeFork || o == OutcomeReuse }

// terminal reports whether the refresh token will never work again, so that the client must log in
// again. Failures and wrong requests are not terminal: the token remains valid.
func (o Outcome) terminal() bool {
	switch o {
	case OutcomeForeignClient, OutcomeOtherDelivery, OutcomeReauth, OutcomeUnknownClient, OutcomeWiderScope, OutcomeBehind, OutcomeThrottled, OutcomeFailed:
		return false
	}
	return !o.Grants()
}
