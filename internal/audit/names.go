package audit

// Name is the name of an event in the OWASP Logging Vocabulary, so that rules written for other
// systems match the lines.
type Name string

const (
	LoginSuccess       Name = "authn_login_success"
	LoginFail          Name = "authn_login_fail"
	PasswordChange     Name = "authn_password_change"
	PasswordChangeFail Name = "authn_password_change_fail"
	// Reauthentication and ReauthenticationFail are not in the vocabulary: a user who is logged in
	// proves their identity again.
	Reauthentication     Name = "authn_reauth_success"
	ReauthenticationFail Name = "authn_reauth_fail"

	// UserCreated is written when a code has proven the address of a new account and a session was
	// opened.
	UserCreated Name = "user_created"
	// CodeAsked, CodeAskFail and CodeFail are not in the vocabulary: a code was requested, and a
	// code was refused. A right code has the name of its result.
	CodeAsked   Name = "authn_code_requested"
	CodeAskFail Name = "authn_code_request_fail"
	CodeFail    Name = "authn_code_fail"

	TokenReuse     Name = "authn_token_reuse"
	TokenRevoked   Name = "authn_token_revoked"
	SessionRenewed Name = "session_renewed"
	SessionExpired Name = "session_expired"
	// SessionRenewFail is not in the vocabulary, which has no name for a refresh that is refused
	// before its session expires.
	SessionRenewFail Name = "session_renew_fail"
	// TokenRevokeFail is not in the vocabulary: a logout that ended no session, because no session
	// was open or because the store did not confirm the end.
	TokenRevokeFail Name = "authn_token_revoke_fail"
	// SessionsRead and SessionLabelled are the vocabulary's names for reading and changing what only
	// the user may see.
	SessionsRead    Name = "sensitive_read"
	SessionLabelled Name = "sensitive_update"
	// SessionsReadFail and SessionLabelFail are not in the vocabulary.
	SessionsReadFail Name = "sensitive_read_fail"
	SessionLabelFail Name = "sensitive_update_fail"
	// AuthzAllow is not in the vocabulary, which names only refusals.
	AuthzAllow Name = "authz_allow"
	AuthzFail  Name = "authz_fail"
	// MailSent and the other names of mails are not in the vocabulary. The outcome is the kind of the
	// mail. MailHeld is a mail that an earlier bounce holds back, MailFail a mail that could not be
	// sent, and MailBounced a later report of a server.
	MailSent    Name = "mail_sent"
	MailHeld    Name = "mail_held"
	MailFail    Name = "mail_fail"
	MailBounced Name = "mail_bounced"
	// Startup is written by a function that signs, when it has read its keys.
	Startup Name = "sys_startup"
)

type level string

const (
	information level = "INFO"
	warning     level = "WARN"
	failure     level = "ERROR"
)

// level follows the OWASP cheat sheet, but logs CRITICAL as an error: a refusal is a warning, and a
// stolen token is an error.
func (n Name) level() level {
	switch n {
	case TokenReuse:
		return failure
	case LoginFail, PasswordChangeFail, ReauthenticationFail, CodeAskFail, CodeFail, SessionRenewFail, TokenRevokeFail, SessionsReadFail, SessionLabelFail, AuthzFail,
		MailHeld, MailFail, MailBounced:
		return warning
	}
	return information
}
