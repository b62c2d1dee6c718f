package dev

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/internal/standin"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Options are the settings of "edgeauth dev".
type Options struct {
	Addr      string
	Issuer    string // of the tokens; empty means the address of the server
	Hosts     Hosts
	TLS       TLS
	Home      Home
	Store     config.Stores
	Upstream  *Upstream // nil serves the demo route /me
	Algorithm token.Algorithm
	Profile   auth.Profile
	Config    string // the JSON of EDGEAUTH_CONFIG; may be empty
	CORS      CORS
	Guards    Guards
	Pages     []fs.FS
	Mail      Mail
	Check     string // of the session authorizer, in the form of EDGEAUTH_SESSION_CHECK; empty means "session"
	Out, Log  io.Writer

	messages endpoint.Messages
	inbox    Inbox
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
	site, err := o.site(listener.Addr())
	if err != nil {
		return err
	}
	o.Hosts = site.hosts
	var certificate *tls.Certificate
	if o.TLS.On {
		c, err := o.TLS.certificate(o.Home, o.Hosts, time.Now())
		if err != nil {
			return err
		}
		certificate = &c
	}
	release, err := o.Home.claim(ctx, site.url)
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
	// Without the file, the server starts nevertheless: the user may know the password or use
	// another account.
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("the demo user: %w", err)
	}
	o.Mail.Link = o.mailLink(site)
	mails, folder, err := o.mails(ctx)
	if err != nil {
		return err
	}
	if mails != nil {
		defer mails.Close()
		o.messages, o.inbox = mails, Inbox{folder, o.prefix()}
	}
	api, err := newLive(ctx, o, site.issuer, stores)
	if err != nil {
		return err
	}
	if err := o.welcome(site, password); err != nil {
		return err
	}
	go api.follow(ctx)
	return serve(ctx, listener, api, certificate)
}

func newAPI(ctx context.Context, o Options, issuer string, stores backend.Stores, keys rings) (*API, error) {
	settings := service.Settings{
		Issuer: issuer, Audience: []string{issuer},
		SigningRing: keys.signing.source(), RefreshKeys: keys.refresh.source(), LoginRing: keys.login.source(),
		KeyVersion: keys.signing.Current(),
		Stores:     service.Stores(stores), Log: o.Log, Config: o.Config, Messages: o.messages,
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
	api := &API{Upstream: o.Upstream, Guards: o.Guards, CORS: o.CORS, Hosts: o.Hosts, Inbox: o.inbox, Now: time.Now}
	if api.Authorizer, err = o.authorizer(public, issuer, nil); err != nil {
		return nil, err
	}
	sessions, err := o.sessions(ctx, issuer, stores)
	if err != nil {
		return nil, err
	}
	if api.SessionAuthorizer, err = o.authorizer(public, issuer, sessions); err != nil {
		return nil, err
	}
	if api.Identity, err = o.identity(); err != nil {
		return nil, err
	}
	if api.Origins, _, err = o.words("origins"); err != nil {
		return nil, err
	}
	if len(o.Pages) > 0 {
		if api.Pages, err = NewPages(o.prefix(), o.Pages...); err != nil {
			return nil, err
		}
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

// sessions returns the checker of the session authorizer.
func (o Options) sessions(ctx context.Context, issuer string, stores backend.Stores) (authorizer.Sessions, error) {
	if o.Check != config.CheckRevocations {
		return service.SessionChecker{
			Checker: session.Checker{Store: stores.Sessions, Subjects: &user.Directory{Store: stores.Users}}, Issuer: issuer,
		}, nil
	}
	list, err := session.NewRevocationList(session.RevocationListConfig{Revocations: stores.Revocations, Lifetime: token.MaxLifetime})
	if err != nil {
		return nil, err
	}
	_ = list.Load(ctx) // as in the function: if the store does not answer, requests load the list
	return list, nil
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

// identity returns the header that is the identity source of the authorizers, as in the templates,
// or "" for no source. template.yaml has Authorization. A gateway answers 401 to a request without
// the identity source, so an API that takes tokens from cookies, or from one of several places, has
// no source.
func (o Options) identity() (string, error) {
	sources, given, err := o.words("token_sources")
	if err != nil || !given {
		return "authorization", err
	}
	var headers []string
	for _, source := range sources {
		switch kind, name, _ := strings.Cut(source, ":"); kind {
		case "header":
			headers = append(headers, strings.ToLower(name))
		case "cookie":
			return "", nil
		}
	}
	if len(headers) != 1 {
		return "", nil
	}
	return headers[0], nil
}

// words returns the list that is a member of EDGEAUTH_CONFIG, and false without the member.
func (o Options) words(member string) (words []string, given bool, err error) {
	e := config.New(func(name string) (string, bool) { return o.Config, name == config.Config && o.Config != "" })
	raw, given := e.Document(config.DocumentNames()...)[member]
	if err := e.Err(); err != nil || !given {
		return nil, false, err
	}
	words, err = config.ReadWords(string(raw))
	return words, true, err
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
func serve(ctx context.Context, l net.Listener, h http.Handler, certificate *tls.Certificate) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		MaxHeaderBytes:    10 << 10, // the limit of API Gateway
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	run := func() error { return server.Serve(l) }
	if certificate != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}}
		run = func() error { return server.ServeTLS(l, "", "") }
	}
	if err := run(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
