// Package service fits the parts together. It is the only one that knows every store and every source of keys;
// everything else takes what it needs as an interface.
package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/audit"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// maxTimeout bounds configured timeouts: sessions longer than a year outlive what refresh-token keys are kept for.
const maxTimeout = 365 * 24 * time.Hour

// Defaults of the durations, for whoever starts a service without an environment.
const (
	DefaultAccessTokenLifetime = 15 * time.Minute
	DefaultIdleTimeout         = 14 * 24 * time.Hour
	DefaultAbsoluteTimeout     = 90 * 24 * time.Hour
)

// Settings are what a service is made of. Each function's service needs a part of them.
type Settings struct {
	Issuer              string
	Audience            []string
	SigningRing         keyring.Source
	RefreshKeys         keyring.Source
	KeyVersion          keyring.Version
	Stores              Stores
	AccessTokenLifetime time.Duration
	RestoredUntil       time.Time
	// Throttle limits logins; the zero Limits are the default ones.
	Throttle login.Limits
	// PasswordCost is the work of new password hashes; the zero Cost is the default one.
	PasswordCost password.Cost
	// RefusalFloor is how long a refused login takes at least; see login.Config.
	RefusalFloor time.Duration
	// Client is the default client. Only a service that opens sessions needs it.
	Client auth.Client
	// Log takes the audit lines; nil is silent.
	Log io.Writer
	Now func() time.Time
}

// Service is the parts of edgeauth, fitted together. It is safe for concurrent use.
type Service struct {
	settings      Settings
	responder     *endpoint.Responder
	sessions      *session.Manager
	authenticator *login.Authenticator
	keys          *keyring.Signing
	log           *audit.Log
}

// New returns the service of these settings. It reads both rings; where they cannot be read at the moment, the service
// starts all the same and answers 503 until they can.
func New(ctx context.Context, s Settings) (*Service, error) {
	if s.Now == nil {
		s.Now = time.Now
	}
	x := &Service{settings: s}
	var errs []error
	signing, err := keyring.LoadSigning(ctx, s.SigningRing, s.KeyVersion, s.Now)
	if err != nil {
		errs = append(errs, fmt.Errorf("the signing ring: %w", err))
	}
	refresh, err := keyring.LoadRefresh(ctx, s.RefreshKeys, s.KeyVersion, s.Now)
	if err != nil {
		errs = append(errs, fmt.Errorf("the refresh-token keys: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	x.keys = signing
	issuer, err := token.NewIssuer(token.IssuerConfig{
		Issuer: s.Issuer, Audience: s.Audience, Keys: signing, Lifetime: s.AccessTokenLifetime, Now: s.Now, Rand: rand.Reader,
	})
	if err != nil {
		return nil, err
	}
	if s.Log != nil {
		x.log = audit.New(s.Log)
	}
	if x.responder, err = endpoint.NewResponder(issuer, x.log, s.Now); err != nil {
		return nil, err
	}
	rules := session.DefaultRules()
	rules.RestoredUntil = s.RestoredUntil
	hasher := password.Hasher{Cost: s.PasswordCost}
	users := &user.Directory{Store: s.Stores.Users, Hasher: hasher, Now: s.Now}
	x.sessions, err = session.NewManager(session.Config{
		Store: s.Stores.Sessions, Subjects: users,
		Codec: session.Codec{Keys: refresh}, Rules: rules, Now: s.Now, Rand: rand.Reader,
	})
	if err != nil {
		return nil, err
	}
	if s.Throttle == (login.Limits{}) {
		s.Throttle = login.DefaultLimits()
	}
	throttle, err := login.NewThrottle(s.Stores.Attempts, refresh, s.Throttle)
	if err != nil {
		return nil, err
	}
	x.authenticator, err = login.New(login.Config{
		Users: s.Stores.Users, Hasher: hasher, Attempts: throttle, Keys: refresh, Upgrade: users, Floor: s.RefusalFloor, Now: s.Now,
	})
	return x, err
}

// Responder answers with tokens.
func (x *Service) Responder() *endpoint.Responder { return x.responder }

// Sessions opens, refreshes and ends sessions.
func (x *Service) Sessions() *session.Manager { return x.sessions }

// Authenticator decides logins.
func (x *Service) Authenticator() *login.Authenticator { return x.authenticator }

// Clients are the applications that may open sessions.
func (x *Service) Clients() endpoint.Clients {
	return endpoint.Clients{x.settings.Client.ID: x.settings.Client}
}

// Log takes the audit lines.
func (x *Service) Log() *audit.Log { return x.log }

// PublicKeys returns the key set by which others verify this service's access tokens.
func (x *Service) PublicKeys(ctx context.Context) (token.KeySet, error) {
	return x.keys.PublicKeys(ctx)
}
