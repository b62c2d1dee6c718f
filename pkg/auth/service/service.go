// Package service assembles edgeauth from its parts.
//
//	h, err := service.Login(service.Options{}) // the whole login function
//	gateway.Serve(h)
//
// [Login], [Refresh], [Account] and [Sessions] return the handlers of the functions, configured by
// environment variables. [SessionAuthorizer] returns an authorizer, and [Mailer] the function that
// sends mails. [New] builds all parts from [Settings] without the environment, for your own
// program. A custom login starts with [Opener] or New, and serves endpoint.Responder.Opens. Only
// this package knows every store and every source of keys; the other packages declare interfaces
// for what they need.
//
// # Environment variables
//
// These are the variables of [Login], [Account], [Refresh], [Opener], [Sessions] and
// [SessionAuthorizer], and below them the variables of [Mailer]. Each function reads only the
// variables in its lines, and docs/configuration.md describes their values:
//
//	all                      EDGEAUTH_STORE (dynamodb, or bolt:<path>); with dynamodb also
//	                         EDGEAUTH_USERS_TABLE, EDGEAUTH_SESSIONS_TABLE and the AWS variables;
//	                         EDGEAUTH_SESSIONS_NOT_BEFORE and EDGEAUTH_METRICS (both optional)
//	all but                  EDGEAUTH_REFRESH_KEYS, EDGEAUTH_KEY_VERSION
//	SessionAuthorizer
//	all                      EDGEAUTH_ISSUER, EDGEAUTH_AUDIENCE, EDGEAUTH_CONFIG (optional)
//	Login, Account, Opener,  EDGEAUTH_SIGNING_RING, EDGEAUTH_ACCESS_TOKEN_LIFETIME
//	Refresh
//	Login, Account, Opener   EDGEAUTH_IDLE_TIMEOUT, EDGEAUTH_ABSOLUTE_TIMEOUT,
//	                         EDGEAUTH_PROFILE (optional)
//	Login, Account, Opener   with dynamodb EDGEAUTH_ATTEMPTS_TABLE
//	Login, Account           EDGEAUTH_LOGIN_RING
//	Account                  EDGEAUTH_MAILER (optional)
//	Refresh                  EDGEAUTH_RESTORED_UNTIL (optional)
//	Sessions,                EDGEAUTH_JWKS or EDGEAUTH_JWKS_FILE
//	SessionAuthorizer
//	SessionAuthorizer        EDGEAUTH_HTTP_RESPONSE, EDGEAUTH_DENY and EDGEAUTH_SESSION_CHECK (all three
//	                         optional); with EDGEAUTH_SESSION_CHECK=revocations no EDGEAUTH_USERS_TABLE
//
//	Mailer                   EDGEAUTH_MAIL_SENDER (ses, a URL of smtp: or smtps:, console, or
//	                         file:<folder>), EDGEAUTH_MAIL_FROM, EDGEAUTH_STORE, with dynamodb also
//	                         EDGEAUTH_ATTEMPTS_TABLE; EDGEAUTH_LOGIN_RING, EDGEAUTH_KEY_VERSION;
//	                         optional are EDGEAUTH_MAIL_NAME, EDGEAUTH_MAIL_REPLY_TO,
//	                         EDGEAUTH_MAIL_LINK, EDGEAUTH_MAIL_TEMPLATES, EDGEAUTH_SMTP_PASSWORD,
//	                         EDGEAUTH_SES_CONFIGURATION_SET and EDGEAUTH_METRICS
//
// The AWS variables are AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN,
// which Lambda sets. They are also read if a ring is in Secrets Manager. AWS_ENDPOINT_URL_DYNAMODB
// and AWS_ENDPOINT_URL_SECRETS_MANAGER, or AWS_ENDPOINT_URL for both, point at a local engine.
// AWS_ENDPOINT_URL_LAMBDA points at a stand-in for the function that sends mails, and
// AWS_ENDPOINT_URL_SESV2 at a stand-in for SES.
package service

import (
	"context"
	"net/url"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// maxTimeout bounds the configured timeouts. Longer sessions would outlive the retention of
// refresh-token keys.
const maxTimeout = 365 * 24 * time.Hour

// Service holds the parts of edgeauth. It is safe for concurrent use.
type Service struct {
	settings      Settings
	responder     *endpoint.Responder
	sessions      *session.Manager
	authenticator *login.Authenticator
	flows         *flow.Manager // nil without Stores.Flows
	access        *token.Verifier
	keys          *keyring.Signing
	login         login.Keys // nil without Settings.LoginRing
}

// New returns a Service. The error names every field of s that is missing or invalid, its value and
// what is accepted. New then reads the rings. A missing or malformed ring is an error. While a ring
// cannot be read for another reason, the service answers 503.
func New(ctx context.Context, s Settings) (*Service, error) {
	s.setDefaults()
	if s.Config != "" {
		if err := s.configure(); err != nil {
			return nil, err
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return assemble(ctx, s)
}

// assemble returns a Service with checked settings, from New or from environment variables.
func assemble(ctx context.Context, s Settings) (*Service, error) {
	s.setDefaults()
	s.Log = audit.Metered(s.Log, s.Metrics)
	x := &Service{settings: s}
	keys, err := loadRings(ctx, s)
	if err != nil {
		return nil, err
	}
	x.keys = keys.signing
	logStart(ctx, s, keys.signing)
	issuer, access, err := s.tokens(keys.signing, ownKeys{x})
	x.access = access
	if err != nil {
		return nil, err
	}
	x.responder, err = endpoint.NewResponder(endpoint.ResponderConfig{
		Issuer: issuer, Log: s.Log, Now: s.Now, Origins: s.Origins, CDNSecretHashes: s.CDNSecretHashes, LogNetwork: s.LogNetwork, LogKnownDevice: s.LogKnownDevice,
	})
	if err != nil {
		return nil, err
	}
	rules := session.DefaultRules()
	rules.RestoredUntil, rules.SessionsNotBefore = s.RestoredUntil, s.SessionsNotBefore
	if s.Hasher == nil {
		s.Hasher = password.Hasher{Cost: s.PasswordCost}
	}
	policy := s.Policy
	if u, err := url.Parse(s.Issuer); err == nil && policy.Service == "" {
		policy.Service = u.Hostname()
	}
	users := &user.Directory{Store: s.Stores.Users, Hasher: s.Hasher, Policy: policy, Now: s.Now}
	x.sessions, err = session.NewManager(session.Config{
		Store: s.Stores.Sessions, Subjects: users, Versions: s.Stores.Versions, Revocations: s.Stores.Revocations,
		Keys: keys.refresh, Rules: rules, Now: s.Now, Clients: s.clients(), ReauthOn: s.reauthOn(),
	})
	if err != nil {
		return nil, err
	}
	if keys.login != nil {
		x.login = keys.login
		if x.authenticator, err = newAuthenticator(s, keys.login, users); err != nil {
			return nil, err
		}
		if s.Stores.Flows != nil {
			x.flows, err = flow.New(flow.Config{
				Store: s.Stores.Flows, Users: users, Gate: x.authenticator, Counters: s.Stores.Counters, Keys: keys.login,
				SignUp: s.signUp(), Limits: s.codeLimits(), Now: s.Now,
			})
			if err != nil {
				return nil, err
			}
		}
		// The connection is open, so this costs one round trip, and no request waits for it.
		x.authenticator.Prepare(ctx)
	}
	return x, nil
}

// logStart writes the line of a start, whose metric is the age of the signing key. A function in
// use starts at least every few hours, and no request waits for the line. Without metrics no line
// is written.
func logStart(ctx context.Context, s Settings, keys *keyring.Signing) {
	log := audit.New(s.Log, s.Now)
	if !log.Metered() {
		return
	}
	if since, err := keys.Since(ctx); err == nil {
		log.Write(ctx, audit.Event{Name: audit.Startup, KeyAge: s.Now().Sub(since)})
	}
}

// tokens returns the issuer and the verifier of this service's access tokens.
func (s Settings) tokens(signing token.SigningKeys, public token.Keys) (*token.Issuer, *token.Verifier, error) {
	issuer, err := token.NewIssuer(token.IssuerConfig{
		Issuer: s.Issuer, Audience: s.Audience, Keys: signing, Lifetime: s.AccessTokenLifetime, Clients: s.clients(),
		Now: s.Now,
	})
	if err != nil {
		return nil, nil, err
	}
	verifier, err := s.verifier(public)
	return issuer, verifier, err
}

// verifier returns the verifier of this service's access tokens, for the audiences of all clients.
func (s Settings) verifier(public token.Keys) (*token.Verifier, error) {
	return token.NewVerifier(token.VerifierConfig{Issuer: s.Issuer, Audience: s.audiences(), Keys: public, Now: s.Now})
}

func newAuthenticator(s Settings, keys login.Keys, users *user.Directory) (*login.Authenticator, error) {
	return login.New(login.Config{
		Users: s.Stores.Users, Hasher: s.Hasher, Counters: s.Stores.Counters, Limits: s.Throttle, Keys: keys, Passwords: users, Steps: s.Steps,
		Floor: s.RefusalFloor, Now: s.Now,
	})
}

// Responder returns the part that answers with tokens.
func (x *Service) Responder() *endpoint.Responder { return x.responder }

// Users returns the store of accounts.
func (x *Service) Users() user.Store { return x.settings.Stores.Users }

// Counters returns the store of counters. A custom login uses it to limit attempts
// (throttle.Limiter) and to make an ID token usable only once (throttle.Once).
func (x *Service) Counters() throttle.Counters { return x.settings.Stores.Counters }

// Sessions returns the part that opens, refreshes and ends sessions.
func (x *Service) Sessions() *session.Manager { return x.sessions }

// Authenticator returns the part that checks logins. It is nil without Settings.LoginRing.
func (x *Service) Authenticator() *login.Authenticator { return x.authenticator }

// Clients returns the applications that may open sessions.
func (x *Service) Clients() endpoint.Clients { return x.settings.clients() }

// PublicKeys returns the key set that verifies the access tokens of this service.
func (x *Service) PublicKeys(ctx context.Context) (token.KeySet, error) {
	return x.keys.PublicKeys(ctx)
}

// codeLimits returns the limits of mails and codes. If logins are not limited by network, because
// the gateway sees the addresses of a CDN, requests for codes are not limited by network either.
func (s Settings) codeLimits() flow.Limits {
	limits := s.Codes
	if limits == (flow.Limits{}) {
		limits = flow.DefaultLimits()
	}
	if s.Throttle != (login.Limits{}) && s.Throttle.Network == nil {
		limits.Network, limits.Site = nil, nil
	}
	return limits
}

// signUp returns the rules of sign-ups. Without a sender no code arrives, so no address may sign
// up.
func (s Settings) signUp() flow.SignUp {
	switch {
	case s.SignUp != nil:
		return *s.SignUp
	case s.Messages != nil:
		return flow.SignUp{Admit: flow.AdmitAll}
	}
	return flow.SignUp{}
}
