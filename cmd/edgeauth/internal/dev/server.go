package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/internal/standin"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Options are the settings of "edgeauth dev".
type Options struct {
	Addr      string
	Home      Home
	Store     config.Stores
	Upstream  *Upstream // nil serves the demo route /me
	Algorithm token.Algorithm
	Profile   auth.Profile
	Config    string // the JSON of EDGEAUTH_CONFIG; may be empty
	Checked   Checked
	Out, Log  io.Writer
}

// Run serves until ctx ends and then returns nil. If the server cannot start, Run returns an error.
func Run(ctx context.Context, o Options) error {
	if err := o.Home.Make(); err != nil {
		return err
	}
	// Listen first: a second start by mistake must not touch the data of the running server.
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w; choose another address with --addr", err)
	}
	defer func() { _ = listener.Close() }()
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return fmt.Errorf("--addr %q is reachable from other machines (want a loopback address, for example 127.0.0.1:8080)", o.Addr)
	}
	issuer := "http://" + listener.Addr().String()
	release, err := o.Home.claim(ctx, issuer)
	if err != nil {
		return err
	}
	defer release()
	stores, err := backend.OpenStores(o.Store)
	if err != nil {
		return err
	}
	if err := backend.CreateTables(ctx, o.Store); err != nil {
		return err
	}
	password, err := o.Home.ensureDemoUser(ctx, stores.Users)
	// Without the file the server starts all the same: the user may know the password or use
	// another account.
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("the demo user: %w", err)
	}
	api, err := newLive(ctx, o, issuer, stores)
	if err != nil {
		return err
	}
	if err := o.welcome(issuer, password); err != nil {
		return err
	}
	go api.follow(ctx)
	return serve(ctx, listener, api)
}

func newAPI(ctx context.Context, o Options, issuer string, stores backend.Stores, keys rings) (*API, error) {
	settings := service.Settings{
		Issuer: issuer, Audience: []string{issuer},
		SigningRing: keys.signing.source(), RefreshKeys: keys.refresh.source(), LoginRing: keys.login.source(),
		KeyVersion: keys.signing.Current(),
		Stores:     service.Stores(stores), Log: o.Log, Config: o.Config,
		Client: auth.Client{ID: auth.DefaultClient, Profile: o.Profile},
	}
	s, err := service.New(ctx, settings)
	if err != nil {
		return nil, err
	}
	public, err := s.PublicKeys(ctx)
	if err != nil {
		return nil, err
	}
	api := &API{Upstream: o.Upstream, Checked: o.Checked, Now: time.Now}
	if api.Authorizer, err = o.authorizer(public, issuer, nil); err != nil {
		return nil, err
	}
	if api.SessionAuthorizer, err = o.authorizer(public, issuer, s.Sessions()); err != nil {
		return nil, err
	}
	handlers, err := s.Handlers(ctx)
	if err != nil {
		return nil, err
	}
	rows := route.Table()
	if o.Upstream == nil {
		rows = append(rows, route.Row{Pattern: "GET /me", Function: "me", Guard: route.Session})
		handlers["me"] = http.HandlerFunc(me)
	}
	api.Functions = make(map[string]standin.Function, len(handlers))
	for name, h := range handlers {
		api.Functions[name] = gateway.Handler(h)
	}
	api.Routes = router.NewMatcher(rows)
	return api, nil
}

// authorizer builds an authorizer as its function does: from the public keys, the configuration, and
// the sessions if it reads them.
func (o Options) authorizer(keys token.KeySet, issuer string, sessions authorizer.Sessions) (*authorizer.Authorizer, error) {
	jwks, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	variables := map[string]string{
		config.Issuer: issuer, config.Audience: issuer, config.JWKS: string(jwks), config.HTTPResponse: config.ResponseSimple,
		config.Config: o.Config,
	}
	return authorizer.FromVariables(func(name string) (string, bool) {
		text, ok := variables[name]
		return text, ok
	}, o.Log, sessions)
}

// me is a backend behind the authorizer. It answers with the caller's identity.
func me(w http.ResponseWriter, r *http.Request) {
	p, ok := auth.PrincipalFrom(r.Context())
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"sub": p.Subject, "sid": p.SessionID, "client_id": p.Client, "scope": p.Scope, "roles": p.Roles,
		"auth_time": p.AuthTime.Unix(), "exp": p.Expires.Unix(),
	})
}

// serve answers until ctx ends, and then stops at once. Nothing is lost, because every answer is on
// disk before it is sent.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		MaxHeaderBytes:    10 << 10, // the limit of API Gateway
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
