package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

type keysCommand struct {
	Init   keysInit   `cmd:"" help:"Create the three key rings in a data directory without rings, for a program of your own."`
	Show   keysShow   `cmd:"" help:"Show the keys, which version signs, and when the next rotation is possible."`
	Rotate keysRotate `cmd:"" help:"Make the next key of the data directory sign. No valid token is refused, unless two rotations are less than one token lifetime apart."`
	Drop   keysDrop   `cmd:"" help:"Destroy keys in the data directory: signing keys, refresh-token keys or login keys. \"keys show\" lists their ids."`
	JWKS   keysJWKS   `cmd:"" name:"jwks" help:"Print the public key set."`
}

// keysFlag selects the keys that a command works on.
type keysFlag struct {
	homeFlag
	Store string `placeholder:"stack:NAME" help:"Show the keys of a deployed stack (default: the keys in the data directory)."`
}

// rings holds the rings of one data directory or stack, and the version that signs there.
type rings struct {
	signing, refresh keyrings.Ring
	login            keyrings.Ring // without keys if there is no login ring yet
	version          keyrings.Version
	stack            *stack.Stack // nil for a data directory
}

// sources are the places of the three rings. login is nil if a stack has no login ring.
type sources struct {
	signing, refresh, login keyrings.Source
	stack                   *stack.Stack // nil for a data directory
}

// sources returns where the rings are.
func (f keysFlag) sources(ctx context.Context, t terminal) (from sources, err error) {
	if f.Store == "" {
		return sources{signing: f.Data.SigningRing(), refresh: f.Data.RefreshKeys(), login: f.Data.LoginRing()}, nil
	}
	name, ok := stackIn(f.Store)
	if !ok {
		return from, fmt.Errorf("%w: --store %s has no keys (want --data DIR for a data directory, "+
			"or --store stack:NAME for the secrets of a stack)", errUsage, printable(f.Store))
	}
	s, err := deployed(ctx, t, name)
	if err != nil {
		return from, err
	}
	secrets := backend.OpenSecrets(s.Secrets())
	from = sources{signing: secrets.Secret(s.SigningSecret), refresh: secrets.Secret(s.RefreshSecret), stack: &s}
	if s.LoginSecret != "" {
		from.login = secrets.Secret(s.LoginSecret)
	}
	return from, nil
}

// load reads the rings.
func (f keysFlag) load(ctx context.Context, t terminal) (rings, error) {
	from, err := f.sources(ctx, t)
	k := rings{stack: from.stack}
	if err != nil {
		return k, err
	}
	if k.signing, err = keyrings.Load(ctx, from.signing, keyrings.SigningRing); err != nil {
		return k, f.explain(err)
	}
	if k.refresh, err = keyrings.Load(ctx, from.refresh, keyrings.RefreshRing); err != nil {
		return k, f.explain(err)
	}
	if k.login, err = loadLogin(ctx, from.login); err != nil {
		return k, f.explain(err)
	}
	if k.version = k.signing.Current(); k.stack != nil {
		k.version = k.stack.KeyVersion
	}
	return k, nil
}

// sealing reads the login key that seals now. For a stack, it reads no other ring. The error wraps
// [auth.ErrNotFound] if there is no login ring yet.
func (f keysFlag) sealing(ctx context.Context, t terminal) (sealing, error) {
	var s sealing
	from, err := f.sources(ctx, t)
	if err != nil {
		return s, err
	}
	if from.stack != nil {
		s.version = from.stack.KeyVersion
	} else {
		signing, err := keyrings.Load(ctx, from.signing, keyrings.SigningRing)
		if err != nil {
			return s, f.explain(err)
		}
		s.version = signing.Current()
	}
	login, err := loadLogin(ctx, from.login)
	if err != nil {
		return s, f.explain(err)
	}
	key, ok := login.Keys[s.version]
	if !ok {
		return s, fmt.Errorf("%w: there is no login ring yet; the next \"edgeauth dev\" or deployment creates one", auth.ErrNotFound)
	}
	s.secret = key.Secret
	return s, nil
}

// loadLogin returns a ring without keys if there is no login ring. Old data directories and stacks
// get one from the next "edgeauth dev" or deployment.
func loadLogin(ctx context.Context, from keyrings.Source) (keyrings.Ring, error) {
	none := keyrings.Ring{Kind: keyrings.LoginRing}
	if from == nil {
		return none, nil
	}
	r, err := keyrings.Load(ctx, from, keyrings.LoginRing)
	if errors.Is(err, auth.ErrNotFound) {
		return none, nil
	}
	return r, err
}

// explain says what to do if the data directory is missing.
func (f keysFlag) explain(err error) error {
	if f.Store != "" {
		return err
	}
	return f.homeFlag.explain(err)
}

// explain says what to do if the data directory is missing.
func (c homeFlag) explain(err error) error {
	if missing := c.Data.Exists(); missing != nil {
		return missing
	}
	return err
}

// keyView is one key in the output of a command. It contains no secret.
type keyView struct {
	Version      keyrings.Version `json:"version"`
	KeyID        string           `json:"kid,omitempty"`
	Algorithm    string           `json:"alg,omitempty"`
	State        string           `json:"state"`
	Created      time.Time        `json:"created"`
	Published    time.Time        `json:"published,omitzero"`
	SigningSince time.Time        `json:"signing_since,omitzero"`
	Retired      time.Time        `json:"retired,omitzero"`

	since time.Time // of the state
}

// stackView is a stack in the output of a command.
type stackView struct {
	Name   string `json:"name"`
	Region string `json:"region"`
	Status string `json:"status"`
	Issuer string `json:"issuer"`
	JWKS   string `json:"jwks"`
}

type keysShow struct{ keysFlag }

func (c *keysShow) Run(ctx context.Context, t terminal) error {
	k, err := c.load(ctx, t)
	if err != nil {
		return err
	}
	now := time.Now()
	view := struct {
		Stack   *stackView       `json:"stack,omitempty"`
		Version keyrings.Version `json:"version"`
		Signing []keyView        `json:"signing"`
		Refresh []keyView        `json:"refresh"`
		Login   []keyView        `json:"login"`
		Next    rotation         `json:"next"`
	}{nil, k.version, viewsOf(k.signing, k.version, now), viewsOf(k.refresh, k.version, now),
		viewsOf(k.login, k.version, now), k.next(now)}
	if s := k.stack; s != nil {
		view.Stack = &stackView{s.Name, s.Region, s.Status, s.Issuer, s.JWKS}
	}
	return t.print(view, func(w io.Writer) {
		if s := view.Stack; s != nil {
			fmt.Fprintf(w, "stack\t%s in %s, %s\nissuer\t%s\npublic keys\t%s\n", s.Name, s.Region, s.Status, s.Issuer, s.JWKS)
		}
		fmt.Fprintln(w, "access tokens\tVERSION\tSTATE\tALG\tSINCE\tKEY ID")
		for _, k := range view.Signing {
			fmt.Fprintf(w, "\t%d\t%s\t%s\t%s\t%s\n", k.Version, k.State, k.Algorithm, instant(k.since), k.KeyID)
		}
		fmt.Fprintln(w, "refresh tokens\tVERSION\tSTATE\t\tSINCE\tKEY ID")
		for _, k := range view.Refresh {
			fmt.Fprintf(w, "\t%d\t%s\t\t%s\t%s\n", k.Version, k.State, instant(k.since), k.KeyID)
		}
		fmt.Fprintln(w, "login\tVERSION\tSTATE\t\tSINCE\tKEY ID")
		for _, k := range view.Login {
			fmt.Fprintf(w, "\t%d\t%s\t\t%s\t%s\n", k.Version, k.State, instant(k.since), k.KeyID)
		}
		if len(view.Login) == 0 {
			fmt.Fprintf(w, "\tnone yet\t%s\t\t\t\n", loginMadeBy(k.stack))
		}
		fmt.Fprintf(w, "next rotation\t%s\n", view.Next.text(k.stack))
	})
}

// loginMadeBy names the command that creates a missing login ring.
func loginMadeBy(s *stack.Stack) string {
	if s == nil {
		return "edgeauth dev creates it"
	}
	return "the next deployment creates it"
}

// instant formats a time in UTC, so that it means the same to every operator.
func instant(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

// viewsOf returns the keys of a ring for the output. signs is the version that signs.
func viewsOf(r keyrings.Ring, signs keyrings.Version, now time.Time) []keyView {
	views := []keyView{}
	for _, v := range r.Versions() {
		entry := r.Keys[v]
		view := keyView{
			Version: v, KeyID: entry.ID(), Algorithm: string(entry.Signing.Algorithm()), Created: entry.Created,
			Published: entry.Published, SigningSince: entry.SigningSince, Retired: entry.Retired,
		}
		told := r.Kind == keyrings.SigningRing && v+1 == signs
		forgotten := !entry.Retired.IsZero() && !now.Before(entry.Retired.Add(r.Kind.Retention()))
		opens := r.Kind != keyrings.SigningRing && !forgotten
		switch {
		case v == signs:
			view.State, view.since = "signing", entry.SigningSince
		case v == signs+1 && r.Kind == keyrings.SigningRing:
			view.State, view.since = "next", entry.Published
		case v == signs+1:
			view.State, view.since = "next", entry.Created
		case v > signs: // signed before a rotation was taken back
			view.State, view.since = "unused", entry.Retired
		case told, opens:
			view.State, view.since = "accepted", entry.Retired
		default: // no longer published
			view.State, view.since = "retired", entry.Retired
		}
		views = append(views, view)
	}
	return views
}

type keysJWKS struct{ keysFlag }

func (c *keysJWKS) Run(ctx context.Context, t terminal) error {
	k, err := c.load(ctx, t)
	if err != nil {
		return err
	}
	public, err := k.signing.PublicKeys(k.version)
	if err != nil {
		return err
	}
	// A key set is printed as JSON with and without --json.
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(public)
}
