package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// keysInit creates the rings for a program of your own, which needs no demo user and no store.
type keysInit struct {
	homeFlag
	Algorithm string `default:"RS256" enum:"RS256,ES256,EdDSA" help:"Algorithm of the signing keys: RS256, ES256 or EdDSA (${default})."`
}

func (c *keysInit) Run(ctx context.Context, t terminal) error {
	algorithm, err := token.ParseAlgorithm(c.Algorithm)
	if err != nil {
		return err
	}
	if err := c.Data.CreateKeys(ctx, algorithm, time.Now()); err != nil {
		return err
	}
	view := struct {
		Data    string `json:"data"`
		Version uint16 `json:"version"`
	}{string(c.Data), 1}
	return t.print(view, func(w io.Writer) {
		fmt.Fprintf(w, "created the keys in %s; version 1 signs\n", printable(view.Data))
	})
}
