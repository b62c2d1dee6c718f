package service

import (
	"context"
	"errors"
	"os"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// ForLogin returns the service of the login function, from the environment of this process. Its error names every
// variable that is missing or wrong.
func ForLogin() (*Service, error) { return start(config.Process(), common, opening) }

// ForRefresh returns the service of the refresh function, likewise.
func ForRefresh() (*Service, error) { return start(config.Process(), common, restoring) }

// given is what a function's variables say before rings and stores are opened.
type given struct {
	Settings
	login auth.Secret // where the login ring is; empty for a function that proves no passwords
}

// A part reads those variables that some functions share.
type part func(e *config.Environment, g *given)

func start(e *config.Environment, parts ...part) (*Service, error) {
	g := given{Settings: Settings{Log: os.Stdout}}
	for _, read := range parts {
		read(e, &g)
	}
	stores, signing, refresh := e.Store(), e.SigningRing(), e.RefreshKeys()
	secrets := e.SecretsManagerOf(signing, refresh, g.login)
	document := e.Document(config.DocumentNames()...) // a name that nobody knows stops the start
	if err := e.Err(); err != nil {
		return nil, err
	}
	s := g.Settings
	var errs [5]error
	s.SigningRing, errs[0] = openRing(config.SigningRing, signing, secrets)
	s.RefreshKeys, errs[1] = openRing(config.RefreshKeys, refresh, secrets)
	s.Stores, errs[2] = OpenStores(stores)
	errs[3] = readDocument(document, &s)
	if g.login != (auth.Secret{}) {
		s.LoginRing, errs[4] = openRing(config.LoginRing, g.login, secrets)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return New(context.Background(), s)
}

func common(e *config.Environment, g *given) {
	g.Issuer, g.Audience, g.KeyVersion = e.Issuer(), e.Audience(), e.KeyVersion()
	g.AccessTokenLifetime = e.Duration(config.AccessTokenLifetime, token.MinLifetime, token.MaxLifetime)
}

// opening is what functions read that prove a password and open a session.
func opening(e *config.Environment, g *given) {
	g.login = e.LoginRing()
	// A client refreshes when its access token ends, and must find its session then.
	least := session.DefaultRules().MinimumIdleTimeout() + g.AccessTokenLifetime
	g.Client = auth.Client{
		ID:              auth.DefaultClient,
		Profile:         e.Profile(),
		IdleTimeout:     e.Duration(config.IdleTimeout, least, maxTimeout),
		AbsoluteTimeout: e.Duration(config.AbsoluteTimeout, least, maxTimeout),
	}
}

func restoring(e *config.Environment, g *given) { g.RestoredUntil = e.RestoredUntil() }
