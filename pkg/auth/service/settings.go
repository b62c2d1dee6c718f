package service

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// The default durations of [Settings].
const (
	defaultLifetime        = 15 * time.Minute
	defaultIdleTimeout     = 14 * 24 * time.Hour
	defaultAbsoluteTimeout = 90 * 24 * time.Hour
)

// Settings are the settings of a [Service]. Issuer, Audience, SigningRing, RefreshKeys, KeyVersion,
// Stores and Client are required.
type Settings struct {
	// Issuer is the iss of the access tokens: an https URL without query or fragment. Plain http is
	// accepted for a loopback host only. Required.
	Issuer string
	// Audience is the aud of the access tokens of a client without its own audience: one or more
	// distinct texts. Required.
	Audience []string
	// SigningRing is the source of the keys that sign access tokens; see keyring.Open. Required.
	SigningRing keyring.Source
	// RefreshKeys is the source of the keys that seal refresh tokens. Required.
	RefreshKeys keyring.Source
	// LoginRing is the source of the login keys. Login and account need it. nil means that the
	// service verifies no passwords and has no Authenticator.
	LoginRing keyring.Source
	// KeyVersion is the version of the keys that signs and seals, from 1 to 65534. It is 1 until
	// the first rotation of the keys. Required.
	KeyVersion uint16
	// Stores are the stores of users, sessions and attempts; see OpenBolt. Users and Sessions are
	// required. Counters is required if LoginRing is set.
	Stores Stores
	// AccessTokenLifetime is the lifetime of the access tokens of a client without its own
	// lifetime, from token.MinLifetime to token.MaxLifetime. Zero means 15 minutes.
	AccessTokenLifetime time.Duration
	// Config has the form of EDGEAUTH_CONFIG: a JSON object, or file:<path>. Its members about
	// logins and clients replace the settings below. Empty changes nothing.
	Config string
	// RestoredUntil ends the window in which sessions that were restored from a backup catch up
	// with their refresh tokens; see session.Rules. The zero time means no window.
	RestoredUntil time.Time
	// SessionsNotBefore ends the sessions that were created before this instant, for example
	// sessions that a restore brought back; see session.Rules. It must be in the past, and
	// RestoredUntil must be zero. The zero time ends no session.
	SessionsNotBefore time.Time
	// Throttle limits logins. The zero Limits mean login.DefaultLimits.
	Throttle login.Limits
	// PasswordCost is the cost of new password hashes. The zero Cost means the default.
	PasswordCost password.Cost
	// Hasher makes and verifies the stored hashes. nil means a password.Hasher with PasswordCost.
	Hasher login.Hasher
	// RefusalFloor is the minimum duration of a refused login, from 0; see login.Config. Zero means
	// no minimum.
	RefusalFloor time.Duration
	// Policy adds requirements for new passwords to those of password.CheckNew. The zero Policy
	// adds no requirement.
	Policy password.Policy
	// Steps run before and after the password check of a login. The zero Steps do nothing.
	Steps login.Steps
	// Messages receives the mails with the codes of POST /auth/code. nil means that no mail is
	// sent.
	Messages endpoint.Messages
	// SignUp says who may sign up by POST /auth/code. nil admits every address if Messages is set,
	// and no address otherwise. The member signup of Config replaces SignUp, except SignUp.Ask.
	SignUp *flow.SignUp
	// Codes limits the mails with codes. The zero Limits mean flow.DefaultLimits, without limits by
	// network if Throttle has no limit by network.
	Codes flow.Limits
	// Origins are the origins whose pages may send and receive cookies; see
	// endpoint.ResponderConfig. Empty means the API's own origin only.
	Origins []string
	// CDNSecretHashes are the SHA-256 of the secrets of the CDN in front; see
	// endpoint.ResponderConfig. Empty means no CDN.
	CDNSecretHashes []string
	// Client is the default client, for requests without a client_id. Required: its ID is
	// auth.DefaultClient, and its Profile is set. IdleTimeout and AbsoluteTimeout are each at least
	// the lifetime of an access token plus 10 minutes, and at most 365 days; zero means 14 days for
	// IdleTimeout and 90 days for AbsoluteTimeout. AccessTokenLifetime, Audience and Scope are
	// optional. MaxSessions is at most 100.
	Client auth.Client
	// Clients are the other clients, under the same rules. Each has a distinct ID: 1 to 64
	// printable ASCII characters without spaces. Sessions of any other client are refused.
	Clients []auth.Client
	// Log receives the audit lines, one JSON object a line. nil writes no log.
	Log io.Writer
	// LogNetwork and LogKnownDevice add members to the audit lines of logins; see
	// endpoint.ResponderConfig.
	LogNetwork, LogKnownDevice bool
	// Metrics is the CloudWatch namespace of the metrics in the audit lines, in the Embedded Metric
	// Format. Empty means lines without metrics.
	Metrics string
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

// setDefaults replaces the zero values that mean a default.
func (s *Settings) setDefaults() {
	if s.Now == nil {
		s.Now = time.Now
	}
	s.AccessTokenLifetime = cmp.Or(s.AccessTokenLifetime, defaultLifetime)
	timeouts := func(c auth.Client) auth.Client {
		c.IdleTimeout = cmp.Or(c.IdleTimeout, defaultIdleTimeout)
		c.AbsoluteTimeout = cmp.Or(c.AbsoluteTimeout, defaultAbsoluteTimeout)
		return c
	}
	if s.Client.ID != "" {
		s.Client = timeouts(s.Client)
	}
	s.Clients = slices.Clone(s.Clients)
	for i, c := range s.Clients {
		s.Clients[i] = timeouts(c)
	}
}

// check returns an error for each setting that is missing or out of range. Clients have the same
// rules as in EDGEAUTH_CONFIG.
func (s Settings) check() error {
	var errs []error
	want := func(ok bool, field, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("service: Settings."+field+" "+format, args...))
		}
	}
	want(s.SigningRing != nil, "SigningRing", "is missing (want the source of the signing ring, as of keyring.Open)")
	want(s.RefreshKeys != nil, "RefreshKeys", "is missing (want the source of the refresh-token keys, as of keyring.Open)")
	want(s.KeyVersion >= 1 && s.KeyVersion <= config.MaxKeyVersion, "KeyVersion",
		"is %d (want the version of the keys that signs, from 1 to %d)", s.KeyVersion, config.MaxKeyVersion)
	want(s.Stores.Users != nil, "Stores.Users", "is missing (want a store of users, as of OpenBolt)")
	want(s.Stores.Sessions != nil, "Stores.Sessions", "is missing (want a store of sessions, as of OpenBolt)")
	want(s.LoginRing == nil || s.Stores.Counters != nil, "Stores.Counters",
		"is missing (with LoginRing, want a store of counters, as of OpenBolt, or throttle.Unlimited)")
	want(s.RefusalFloor >= 0, "RefusalFloor", "is %v (want a duration from 0)", s.RefusalFloor)
	want(!s.SessionsNotBefore.After(s.Now()), "SessionsNotBefore",
		"is %v (want a time that has passed: a later one would end every new session)", s.SessionsNotBefore)
	want(s.SessionsNotBefore.IsZero() || s.RestoredUntil.IsZero(), "SessionsNotBefore",
		"and RestoredUntil are both set (want one: the first ends the sessions of a backup, the second keeps them)")
	if err := config.CheckNamespace(s.Metrics); err != nil && s.Metrics != "" {
		want(false, "Metrics", "is %q: %w", s.Metrics, err)
	}
	if err := s.Throttle.Validate(); err != nil && s.Throttle != (login.Limits{}) {
		want(false, "Throttle", "is out of range: %w", err)
	}
	if err := s.Codes.Validate(); err != nil && s.Codes != (flow.Limits{}) {
		want(false, "Codes", "is out of range: %w", err)
	}
	if err := s.signUp().Validate(); err != nil {
		want(false, "SignUp", "is not valid: %w", err)
	}
	if err := s.Policy.Validate(); err != nil {
		want(false, "Policy", "is not valid: %w", err)
	}
	if err := s.PasswordCost.Validate(); err != nil {
		want(false, "PasswordCost", "is %v: %w", s.PasswordCost, err)
	}
	lifetime := s.AccessTokenLifetime
	if ok := isLifetime(lifetime); !ok {
		want(ok, "AccessTokenLifetime", "is %v (want a duration from %v to %v)", lifetime, token.MinLifetime, token.MaxLifetime)
		lifetime = defaultLifetime // to check the other settings
	}
	probe := Settings{Issuer: s.Issuer, Audience: s.Audience, AccessTokenLifetime: lifetime}
	if _, _, err := probe.tokens(new(keyring.Signing), ownKeys{}); err != nil {
		errs = append(errs, fmt.Errorf("service: Settings.Issuer or Settings.Audience: %w", err))
	}
	if _, err := endpoint.NewResponder(endpoint.ResponderConfig{Issuer: new(token.Issuer), Origins: s.Origins}); err != nil {
		errs = append(errs, fmt.Errorf("service: Settings.Origins: %w", err))
	}
	if _, err := endpoint.NewResponder(endpoint.ResponderConfig{Issuer: new(token.Issuer), CDNSecretHashes: s.CDNSecretHashes}); err != nil {
		errs = append(errs, fmt.Errorf("service: Settings.CDNSecretHashes: %w", err))
	}
	want(s.Client.ID == auth.DefaultClient, "Client.ID", "is %q (want auth.DefaultClient, %q)", s.Client.ID, auth.DefaultClient)
	errs = append(errs, checkClient("Client", s.Client, lifetime), checkReauthOn(s))
	seen := map[auth.ClientID]bool{auth.DefaultClient: true}
	for i, c := range s.Clients {
		field := fmt.Sprintf("Clients[%d]", i)
		if err := checkClientID(string(c.ID)); err != nil {
			want(false, field+".ID", "is %q (%w)", c.ID, err)
		}
		want(!seen[c.ID], field+".ID", "is %q (want an id that no other client has)", c.ID)
		seen[c.ID] = true
		errs = append(errs, checkClient(field, c, lifetime))
	}
	return errors.Join(errs...)
}

// checkClient checks all fields of a client except its ID. field is its name in Settings.
func checkClient(field string, c auth.Client, lifetime time.Duration) error {
	var errs []error
	refuse := func(member, format string, args ...any) {
		errs = append(errs, fmt.Errorf("service: Settings."+field+"."+member+" "+format, args...))
	}
	if !c.Profile.Valid() {
		refuse("Profile", "is %d (want auth.Balanced, auth.Strict or auth.Fixed)", c.Profile)
	}
	if c.AccessTokenLifetime != 0 {
		lifetime = c.AccessTokenLifetime
		if !isLifetime(lifetime) {
			refuse("AccessTokenLifetime", "is %v (want 0, or a duration from %v to %v)", lifetime, token.MinLifetime, token.MaxLifetime)
		}
	}
	if err := checkTimeout(c.IdleTimeout, lifetime); err != nil {
		refuse("IdleTimeout", "%w", err)
	}
	if err := checkTimeout(c.AbsoluteTimeout, lifetime); err != nil {
		refuse("AbsoluteTimeout", "%w", err)
	}
	if c.OpaqueTimeout != 0 {
		if err := checkTimeout(c.OpaqueTimeout, lifetime); err != nil {
			refuse("OpaqueTimeout", "%w", err)
		}
	}
	if c.MaxSessions < 0 || c.MaxSessions > maxMaxSessions {
		refuse("MaxSessions", "is %d (want 0 for no limit, or 1 to %d)", c.MaxSessions, maxMaxSessions)
	}
	if err := auth.CheckReauthOn(c.ReauthOn); err != nil {
		refuse("ReauthOn", "is %v: %w", c.ReauthOn, err)
	}
	if err := checkDeliveries(c.Delivery); err != nil {
		refuse("Delivery", "is %v: %w", c.Delivery, err)
	}
	if err := checkDistinct(c.Scope, maxScopeBytes, isScopeToken); err != nil {
		refuse("Scope", "is %q: %w", c.Scope, err)
	}
	if err := checkDistinct(c.Audience, maxAudienceBytes, isAudience); err != nil {
		refuse("Audience", "is %q: %w", c.Audience, err)
	}
	return errors.Join(errs...)
}

// isLifetime reports whether d may be the lifetime of an access token.
func isLifetime(d time.Duration) bool { return d >= token.MinLifetime && d <= token.MaxLifetime }
