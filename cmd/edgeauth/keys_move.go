package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

type keysRotate struct {
	homeFlag
	Algorithm string `enum:",RS256,ES256,EdDSA" default:"" placeholder:"ALG" help:"Algorithm of the key that is made, which signs after the next rotation; that of the newest key where not given."`
}

func (c *keysRotate) Run(ctx context.Context, t terminal) error {
	version, err := c.Data.Rotate(ctx, token.Algorithm(c.Algorithm), time.Now())
	if err != nil {
		return c.explain(err)
	}
	return printMoved(t, version, "")
}

type keysDrop struct {
	homeFlag
	KeyIDs []string `arg:"" name:"key-id" help:"Ids of signing keys (edgeauth keys show)."`
}

func (c *keysDrop) Run(ctx context.Context, t terminal) error {
	version, err := c.Data.Drop(ctx, c.KeyIDs, time.Now())
	if errors.Is(err, dev.ErrNoKey) {
		return fmt.Errorf("%w: \"edgeauth keys show\" lists them", err)
	}
	if err != nil {
		return c.explain(err)
	}
	return printMoved(t, version, fmt.Sprintf("dropped %d, whose access tokens are refused from now on; ", len(c.KeyIDs)))
}

func printMoved(t terminal, version keyring.Version, before string) error {
	view := struct {
		Signing keyring.Version `json:"signing"`
	}{version}
	return t.print(view, func(w io.Writer) {
		fmt.Fprintf(w, "%sversion %d signs; a running server follows within a second\n", before, version)
	})
}
