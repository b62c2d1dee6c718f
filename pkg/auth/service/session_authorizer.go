package service

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// SessionAuthorizer returns the authorizer of the session authorizer function. It decides as
// authorizer.FromEnvironment does, and then reads the session and the user of a token that it would
// allow. It holds no secret. It reads the environment variables that the package documentation
// lists. The error names every variable that is missing or invalid.
func SessionAuthorizer(o Options) (*authorizer.Authorizer, error) {
	return startSessionAuthorizer(os.LookupEnv, o.log())
}

func startSessionAuthorizer(lookup func(name string) (string, bool), log io.Writer) (*authorizer.Authorizer, error) {
	e, stores := config.New(lookup), Stores{}
	at, notBefore := e.SessionStore(), e.SessionsNotBefore(time.Now())
	err := e.Err()
	if err == nil {
		stores, err = openStores(at)
	}
	a, authorizerErr := authorizer.FromVariables(lookup, log, session.Checker{
		Store: stores.Sessions, Subjects: &user.Directory{Store: stores.Users}, SessionsNotBefore: notBefore,
	})
	if err := errors.Join(authorizerErr, err); err != nil {
		return nil, err
	}
	if stores.Connect != nil {
		stores.Connect(context.Background())
	}
	return a, nil
}
