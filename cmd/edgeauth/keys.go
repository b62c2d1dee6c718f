package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
)

type keysCommand struct {
	Show   keysShow   `cmd:"" help:"Show which keys there are and which one signs."`
	Rotate keysRotate `cmd:"" help:"Let the next key sign, in the data directory. Nobody's token is refused."`
	Drop   keysDrop   `cmd:"" help:"Destroy signing keys in the data directory; their access tokens are refused, sessions live on."`
	JWKS   keysJWKS   `cmd:"" name:"jwks" help:"Print the public key set."`
}

// keyView is one key as commands show it: nothing of it is secret.
type keyView struct {
	Version      keyring.Version `json:"version"`
	KeyID        string          `json:"kid,omitempty"`
	Algorithm    string          `json:"alg,omitempty"`
	State        string          `json:"state"`
	Created      time.Time       `json:"created"`
	SigningSince *time.Time      `json:"signing_since,omitempty"`
}

type keysShow struct{ homeFlag }

func (c *keysShow) Run(ctx context.Context, t terminal) error {
	signing, err := keyring.Load(ctx, c.Data.SigningRing(), keyring.SigningRing)
	if err != nil {
		return c.explain(err)
	}
	refresh, err := keyring.Load(ctx, c.Data.RefreshKeys(), keyring.RefreshRing)
	if err != nil {
		return c.explain(err)
	}
	view := struct {
		Signing []keyView `json:"signing"`
		Refresh []keyView `json:"refresh"`
	}{viewsOf(signing), viewsOf(refresh)}
	return t.print(view, func(w io.Writer) {
		fmt.Fprintln(w, "access tokens\tVERSION\tSTATE\tALG\tCREATED\tKEY ID")
		for _, k := range view.Signing {
			fmt.Fprintf(w, "\t%d\t%s\t%s\t%s\t%s\n", k.Version, k.State, k.Algorithm, k.Created.Format(time.DateTime), k.KeyID)
		}
		fmt.Fprintln(w, "refresh tokens\tVERSION\tSTATE\t\tCREATED\t")
		for _, k := range view.Refresh {
			fmt.Fprintf(w, "\t%d\t%s\t\t%s\t\n", k.Version, k.State, k.Created.Format(time.DateTime))
		}
	})
}

func viewsOf(r keyring.Ring) []keyView {
	var views []keyView
	current := r.Current()
	for _, v := range r.Versions() {
		entry := r.Keys[v]
		view := keyView{Version: v, KeyID: entry.Signing.ID(), Algorithm: string(entry.Signing.Algorithm()), Created: entry.Created}
		switch {
		case v == current:
			view.State = "signing"
		case v == current+1:
			view.State = "next"
		case r.Kind == keyring.SigningRing && v+1 < current:
			view.State = "retired" // nobody is told of it any more
		default:
			view.State = "accepted"
		}
		if !entry.SigningSince.IsZero() {
			view.SigningSince = &entry.SigningSince
		}
		views = append(views, view)
	}
	return views
}

// explain says what to do where the directory is missing.
func (c homeFlag) explain(err error) error {
	if missing := c.Data.Exists(); missing != nil {
		return missing
	}
	return err
}

type keysJWKS struct{ homeFlag }

func (c *keysJWKS) Run(ctx context.Context, t terminal) error {
	ring, err := keyring.Load(ctx, c.Data.SigningRing(), keyring.SigningRing)
	if err != nil {
		return c.explain(err)
	}
	keys, err := ring.PublicKeys(ring.Current())
	if err != nil {
		return err
	}
	// A key set is JSON for people too.
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(keys)
}
