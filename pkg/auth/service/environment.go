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

// A part reads those variables that some functions share.
type part func(e *config.Environment, s *Settings)

func start(e *config.Environment, parts ...part) (*Service, error) {
	s := Settings{Log: os.Stdout}
	for _, read := range parts {
		read(e, &s)
	}
	stores, signing, refresh := e.Store(), e.SigningRing(), e.RefreshKeys()
	secrets := e.SecretsManagerOf(signing, refresh)
	document := e.Document(config.DocumentNames()...) // a name that nobody knows stops the start
	if err := e.Err(); err != nil {
		return nil, err
	}
	var errs [4]error
	s.SigningRing, errs[0] = openRing(config.SigningRing, signing, secrets)
	s.RefreshKeys, errs[1] = openRing(config.RefreshKeys, refresh, secrets)
	s.Stores, errs[2] = OpenStores(stores)
	errs[3] = readDocument(document, &s)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return New(context.Background(), s)
}

func common(e *config.Environment, s *Settings) {
	s.Issuer, s.Audience, s.KeyVersion = e.Issuer(), e.Audience(), e.KeyVersion()
	s.AccessTokenLifetime = e.Duration(config.AccessTokenLifetime, token.MinLifetime, token.MaxLifetime)
}

func opening(e *config.Environment, s *Settings) {
	// A client refreshes when its access token ends, and must find its session then.
	least := session.DefaultRules().MinimumIdleTimeout() + s.AccessTokenLifetime
	s.Client = auth.Client{
		ID:              auth.DefaultClient,
		Profile:         e.Profile(),
		IdleTimeout:     e.Duration(config.IdleTimeout, least, maxTimeout),
		AbsoluteTimeout: e.Duration(config.AbsoluteTimeout, least, maxTimeout),
	}
}

func restoring(e *config.Environment, s *Settings) { s.RestoredUntil = e.RestoredUntil() }
