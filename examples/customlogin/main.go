// Command customlogin opens sessions for people who log in elsewhere: it takes an ID token of an OpenID Connect provider
// and answers with our access and refresh tokens, which refresh, authorizers and the rest handle like any other.
//
// On Lambda it is one more function beside the others. Elsewhere it listens on 127.0.0.1:8081; beside "make run", and on
// its store and keys, it is started so. The provider and the client id are your own; EDGEAUTH_KEY_VERSION is the version
// that "edgeauth keys show" calls signing, and changes with every rotation.
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
)

func main() {
	s, err := service.ForLogin()
	if err != nil {
		log.Fatal(err)
	}
	provider, err := oidc.NewProvider(context.Background(), os.Getenv("OIDC_ISSUER"))
	if err != nil {
		log.Fatalf("OIDC_ISSUER must hold the issuer of an OpenID Connect provider: %v", err)
	}
	login, err := newLogin(s, provider, os.Getenv("OIDC_CLIENT_ID"))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /auth/oidc", login)
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		gateway.Serve(mux)
		return
	}
	log.Println("listening on http://127.0.0.1:8081")
	server := http.Server{Addr: "127.0.0.1:8081", Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// newLogin fits the parts together.
func newLogin(s *service.Service, provider *oidc.Provider, clientID string) (*Login, error) {
	if clientID == "" {
		return nil, errNoClient
	}
	return &Login{
		Provider:  provider.Verifier(&oidc.Config{ClientID: clientID}),
		Users:     s.Users(),
		Sessions:  s.Sessions(),
		Responder: s.Responder(),
		Client:    s.Clients()[auth.DefaultClient],
		Now:       time.Now,
	}, nil
}
