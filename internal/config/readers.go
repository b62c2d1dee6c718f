package config

import "slices"

// Readers returns the variables that each function reads, by the name of the function's folder.
// Tests compare it with the functions and with template.yaml: a function gets only variables that
// it reads.
func Readers() map[string][]string {
	authorizers := []string{Issuer, Audience, JWKS, JWKSFile, HTTPResponse, Deny, Config, Metrics}
	sessions := []string{RefreshKeys, KeyVersion, SessionsNotBefore, Store, UsersTable, SessionsTable, Metrics}
	checking := slices.Concat(authorizers, []string{SessionCheck, SessionsNotBefore, Store, UsersTable, SessionsTable})
	issuing := slices.Concat(sessions, []string{Issuer, Audience, SigningRing, AccessTokenLifetime, Config})
	listing := slices.Concat(sessions, []string{Issuer, Audience, JWKS, JWKSFile, Config})
	proving := slices.Concat(issuing, []string{LoginRing, AttemptsTable, Profile, IdleTimeout, AbsoluteTimeout})
	return map[string][]string{
		"authorizer":         authorizers,
		"session-authorizer": checking,
		"login":              proving,
		"account":            slices.Concat(proving, []string{Mailer}),
		"refresh":            slices.Concat(issuing, []string{RestoredUntil}),
		"sessions":           listing,
		"mailer": {
			LoginRing, KeyVersion, Store, AttemptsTable, Metrics,
			MailSender, MailFrom, MailName, MailReplyTo, MailLink, MailTemplates, SMTPPassword, ConfigurationSet,
		},
		"discovery": {Issuer, JWKS, JWKSFile},
		"keys":      {StackID},
	}
}
