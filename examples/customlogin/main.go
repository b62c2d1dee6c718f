// Command customlogin opens sessions for users who log in at an OpenID Connect provider. It accepts
// an ID token of the provider and answers with edgeauth's access and refresh tokens, which refresh
// and the authorizers handle like all other tokens.
//
// On Lambda it is a separate function beside the stack: customlogin.yaml deploys it. Otherwise it
// listens on 127.0.0.1:8081. The following commands start it on the store and the keys of "make
// run". The provider and the client id are your own. EDGEAUTH_KEY_VERSION is the version that
// "edgeauth keys show" calls signing; it changes with every rotation.
//
//	cd examples/customlogin
//	export OIDC_ISSUER=https://accounts.example.com OIDC_CLIENT_ID=my-app
//	export EDGEAUTH_ISSUER=http://127.0.0.1:8080 EDGEAUTH_AUDIENCE=http://127.0.0.1:8080
//	export EDGEAUTH_SIGNING_RING=file:../../.edgeauth/signing-ring.json EDGEAUTH_REFRESH_KEYS=file:../../.edgeauth/refresh-keys.json
//	export EDGEAUTH_KEY_VERSION=1 EDGEAUTH_STORE=bolt:../../.edgeauth/store.db EDGEAUTH_PROFILE=balanced
//	export EDGEAUTH_ACCESS_TOKEN_LIFETIME=15m EDGEAUTH_IDLE_TIMEOUT=336h EDGEAUTH_ABSOLUTE_TIMEOUT=2160h
//	go run . &
//	curl http://127.0.0.1:8081/auth/oidc -H 'Content-Type: application/json' -d "{\"id_token\":\"$ID_TOKEN\"}"
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

func main() {
	s, err := service.Opener(service.Options{})
	if err != nil {
		log.Fatal(err)
	}
	provider, err := oidc.NewProvider(context.Background(), os.Getenv("OIDC_ISSUER"))
	if err != nil {
		log.Fatalf("OIDC_ISSUER is not the issuer of an OpenID Connect provider: %v", err)
	}
	login, err := newLogin(s, provider, os.Getenv("OIDC_CLIENT_ID"))
	if err != nil {
		log.Fatal(err)
	}
	handler := only(http.MethodPost, "/auth/oidc", login)
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		gateway.Serve(handler)
		return
	}
	log.Println("listening on http://127.0.0.1:8081")
	server := http.Server{Addr: "127.0.0.1:8081", Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// newLogin builds a Login from its parts.
func newLogin(s *service.Service, provider *oidc.Provider, clientID string) (*Login, error) {
	if clientID == "" {
		return nil, errNoClient
	}
	return &Login{
		Provider:  provider.Verifier(&oidc.Config{ClientID: clientID}),
		ClientID:  clientID,
		Once:      throttle.Once{Counters: s.Counters()},
		Users:     s.Users(),
		Sessions:  s.Sessions(),
		Responder: s.Responder(),
		Client:    s.Clients()[auth.DefaultClient],
		Now:       time.Now,
	}, nil
}

// only forwards the requests of one route. http.ServeMux would redirect another spelling of the
// path, and the client would send its ID token again.
func only(method, path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != path:
			http.NotFound(w, r)
		case r.Method != method:
			w.Header().Set("Allow", method)
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
