package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/deployment"
)

// givenBy names the property for each environment variable that the template sets. If an older
// template lacks the property, the default applies.
var givenBy = []struct{ variable, property, byDefault string }{
	{config.Issuer, "Issuer", "https://issuer.example"},
	{config.Audience, "Audience", "https://issuer.example"},
	{config.AccessTokenLifetime, accessTokenLifetime, "15m"},
	{config.Profile, "Profile", "balanced"},
	{config.IdleTimeout, "IdleTimeout", "336h"},
	{config.AbsoluteTimeout, "AbsoluteTimeout", "2160h"},
	{config.RestoredUntil, "RestoredUntil", ""},
	{config.SessionsNotBefore, "SessionsNotBefore", ""},
	{config.Config, "Config", ""},
	{config.Deny, "RestRefusal", ""},
	{config.SessionCheck, "SessionCheck", ""},
	{config.Metrics, "Metrics", ""},
	{config.MailSender, "MailSender", "none"},
	{config.MailFrom, "MailFrom", ""},
	{config.MailName, "MailName", ""},
	{config.MailReplyTo, "MailReplyTo", ""},
	{config.MailLink, "MailLink", ""},
	{config.MailTemplates, mailTemplates, ""},
	{config.SMTPPassword, "SmtpPassword", ""},
	{config.ConfigurationSet, "SesConfigurationSet", ""},
	{config.KeyVersion, keyVersion, "1"},
	{config.UsersTable, "UsersTable", ""},
	{config.SessionsTable, "SessionsTable", ""},
	{config.AttemptsTable, "AttemptsTable", ""},
	{config.SigningRing, signingRingARN, ""},
	{config.RefreshKeys, refreshKeysARN, ""},
	{config.LoginRing, loginRingARN, ""},
}

// parameters has the parameter of each property whose parameter has another name. The rules of the
// template ensure that a wrong sender comes from SmtpServer.
var parameters = map[string]string{"MailSender": "SmtpServer", "SmtpPassword": "SmtpSecret"}

// values returns the environment variables that a deployment with these properties sets.
func values(properties map[string]string, jwks string) map[string]string {
	given := map[string]string{config.JWKS: jwks, config.HTTPResponse: config.ResponseSimple, config.Store: "dynamodb"}
	for _, g := range givenBy {
		text, ok := properties[g.property]
		if !ok {
			text = g.byDefault
		}
		if strings.HasSuffix(g.property, "Arn") {
			text = "secretsmanager:" + text
		}
		given[g.variable] = text
	}
	given[config.Mailer] = ""
	if given[config.MailSender] != "none" {
		given[config.Mailer] = mailerARN
	}
	return given
}

// mailerARN has the length of the longest ARN of the mailer. The ARN itself is not known yet, since the
// mailer waits for the keys.
var mailerARN = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:" + strings.Repeat("x", 64) + ":live"

// checkValues returns an error if a function would not start with these values, or if they leave no
// room for the public keys of a rotation. It is called before a ring is written.
//
// If the values of the previous deployment are wrong too, checkValues returns nil: this deployment
// may be the rollback of a failed deployment, and a rollback must succeed.
func (t task) checkValues(all rings) error {
	public, err := all[signingAt].PublicKeys(t.version)
	if err != nil {
		return err
	}
	jwks, err := json.Marshal(public)
	if err != nil {
		return err
	}
	var longest string
	for _, k := range public.Keys() {
		if key := string(k.JWK()); len(key) > len(longest) {
			longest = key
		}
	}
	given, before := maps.Clone(t.all), texts(t.before)
	// The texts of mails are in the build and not in the values. During a rollback, this function
	// may still be the newer build, so a rollback does not check them. The texts of the previous
	// build cannot be checked.
	if buildOf(given) < buildOf(before) {
		delete(given, mailTemplates)
	}
	delete(before, mailTemplates)
	wrong := wrongValues(given, string(jwks), longest)
	if wrong == nil || !t.create && wrongValues(before, string(jwks), longest) != nil {
		return nil
	}
	return wrong
}

const mailTemplates = "MailTemplates"

// buildOf returns the number of the build in the ARN of its version, or 0. A later build has a greater
// number.
func buildOf(properties map[string]string) int {
	arn := properties["Build"]
	n, _ := strconv.Atoi(arn[strings.LastIndexByte(arn, ':')+1:])
	return n
}

// wrongValues returns the fault in the values of a deployment, in the names of the template's
// parameters. The longest public key stands for the next public key.
func wrongValues(properties map[string]string, jwks, longest string) error {
	var pairs []string
	for _, g := range givenBy {
		pairs = append(pairs, g.variable, cmp.Or(parameters[g.property], g.property))
	}
	inParameters := strings.NewReplacer(pairs...)
	var errs []error
	given := values(properties, jwks)
	problems := deployment.Check(given)
	if p, isTooLong := deployment.TooLong(deployment.WithKeys(given, longest)); isTooLong {
		problems = append(problems, p)
	}
	for _, p := range problems {
		errs = append(errs, errors.New(inParameters.Replace(p.String())))
	}
	return errors.Join(errs...)
}

// texts returns the properties that are single values.
func texts(raw map[string]any) map[string]string {
	all := map[string]string{}
	for name, value := range raw {
		if text, ok := text(value); ok {
			all[name] = text
		}
	}
	return all
}
