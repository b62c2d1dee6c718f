package service_test

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

// A program that serves every path of edgeauth, with its stores in one file and its keys in the
// folder that "edgeauth keys init --data .edgeauth" makes.
func ExampleNew() {
	stores, err := service.OpenBolt(".edgeauth/store.db")
	if err != nil {
		log.Fatal(err)
	}
	var rings [3]keyring.Source
	for i, name := range []string{"signing-ring", "refresh-keys", "login-ring"} {
		if rings[i], err = keyring.Open("file:.edgeauth/" + name + ".json"); err != nil {
			log.Fatal(err)
		}
	}
	s, err := service.New(context.Background(), service.Settings{
		Issuer:      "https://auth.example.com",
		Audience:    []string{"https://api.example.com"},
		SigningRing: rings[0],
		RefreshKeys: rings[1],
		LoginRing:   rings[2],
		KeyVersion:  1,
		Stores:      stores,
		Client:      auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced},
		Log:         os.Stdout,
	})
	if err != nil {
		log.Fatal(err)
	}
	functions, err := s.Handlers(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/login", functions["login"])
	mux.Handle("/auth/refresh", functions["refresh"])
	mux.Handle("/auth/logout", functions["sessions"])
	mux.Handle("/auth/password", functions["account"])
	mux.Handle("/.well-known/", functions["discovery"])
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", mux))
}
