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
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// SessionAuthorizer returns the authorizer of the session authorizer function. It decides like
// authorizer.FromEnvironment, and then refuses the tokens of sessions that have ended. It holds no
// secret. EDGEAUTH_SESSION_CHECK says what it reads:
//
//   - session, the default: the session and the user of each token that it would allow. It also
//     accepts the tokens of opaque sessions, and moves their idle end.
//   - revocations: the sessions and users that have ended. It reads the entries of the last token
//     lifetime before it returns, and new entries every 5 seconds ([session.RevocationList]).
//
// It reads the environment variables that the package documentation lists. The error names every
// variable that is missing or invalid.
func SessionAuthorizer(o Options) (*authorizer.Authorizer, error) {
	return startSessionAuthorizer(os.LookupEnv, o.log())
}

func startSessionAuthorizer(lookup func(name string) (string, bool), log io.Writer) (*authorizer.Authorizer, error) {
	e := config.New(lookup)
	issuer, _ := lookup(config.Issuer) // the authorizer checks it
	check, at := e.SessionCheck(), e.SessionStore
	if check == config.CheckRevocations {
		at = e.RevocationStore
	}
	store, notBefore := at(), e.SessionsNotBefore(time.Now())
	err := e.Err()
	var stores Stores
	if err == nil {
		stores, err = openStores(store)
	}
	var (
		sessions authorizer.Sessions = SessionChecker{
			Checker: session.Checker{Store: stores.Sessions, Subjects: &user.Directory{Store: stores.Users}, SessionsNotBefore: notBefore},
			Issuer:  issuer,
		}
		begin = stores.Connect
	)
	if check == config.CheckRevocations && err == nil {
		var list *session.RevocationList
		list, err = revocationList(stores, notBefore)
		sessions, begin = list, func(ctx context.Context) {
			// If the store does not answer, the function starts, and each request tries again.
			_ = list.Load(ctx)
		}
	}
	a, authorizerErr := authorizer.FromVariables(lookup, log, sessions)
	if err := errors.Join(authorizerErr, err); err != nil {
		return nil, err
	}
	if begin != nil {
		begin(context.Background())
	}
	return a, nil
}

// revocationList returns the list of a function that does not know the lifetimes of the clients'
// tokens. It keeps entries for the longest accepted lifetime.
func revocationList(s Stores, notBefore time.Time) (*session.RevocationList, error) {
	return session.NewRevocationList(session.RevocationListConfig{
		Revocations: s.Revocations, Lifetime: token.MaxLifetime, SessionsNotBefore: notBefore,
	})
}
