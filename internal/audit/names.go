package audit

// Name is what happened, in the words of the OWASP Logging Vocabulary Cheat Sheet, so that rules written for other
// systems find our lines.
type Name string

const (
	LoginSuccess       Name = "authn_login_success"
	LoginFail          Name = "authn_login_fail"
	PasswordChange     Name = "authn_password_change"
	PasswordChangeFail Name = "authn_password_change_fail"
	TokenReuse         Name = "authn_token_reuse"
	TokenRevoked       Name = "authn_token_revoked"
	SessionRenewed     Name = "session_renewed"
	SessionExpired     Name = "session_expired"
	// SessionRenewFail is ours: the vocabulary has no word for a refresh that was refused before its session expired.
	SessionRenewFail Name = "session_renew_fail"
	// TokenRevokeFail is ours: a logout that ended no session, because there was none to end or because it was not confirmed.
	TokenRevokeFail Name = "authn_token_revoke_fail"
	// AuthzAllow is ours: the vocabulary names only refusals.
	AuthzAllow Name = "authz_allow"
	AuthzFail  Name = "authz_fail"
)

type level string

const (
	information level = "INFO"
	warning     level = "WARN"
	failure     level = "ERROR"
)

// level follows the cheat sheet, whose CRITICAL is an error here: a refusal warns, a stolen token is an error.
func (n Name) level() level {
	switch n {
	case TokenReuse:
		return failure
	case LoginFail, PasswordChangeFail, SessionRenewFail, TokenRevokeFail, AuthzFail:
		return warning
	}
	return information
}
