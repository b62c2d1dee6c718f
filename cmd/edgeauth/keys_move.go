package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// moveFlag is which keys are to be moved. Those of a stack are not moved here, but asked for all the same.
type moveFlag struct {
	homeFlag
	Store string `hidden:""`
}

type keysRotate struct {
	moveFlag
	Algorithm string `enum:",RS256,ES256,EdDSA" default:"" placeholder:"ALG" help:"Algorithm of the key that is made, which signs after the next rotation; that of the newest key where not given."`
}

func (c *keysRotate) Run(ctx context.Context, t terminal) error {
	if err := c.local("KeyVersion=N"); err != nil {
		return err
	}
	version, err := c.Data.Rotate(ctx, token.Algorithm(c.Algorithm), time.Now())
	if err != nil {
		return c.explain(err)
	}
	return printMoved(t, version, "")
}

type keysDrop struct {
	moveFlag
	// A flag and no argument: one key id in 64 begins with a dash, and --kid=-x cannot be taken for another flag.
	KeyIDs  []string `name:"kid" placeholder:"ID" help:"Id of a signing key, as \"edgeauth keys show\" lists it. Write --kid=ID; repeat it to drop several."`
	Refresh []string `placeholder:"ID" help:"Id of a refresh-token key. Sessions whose refresh token is under it end."`
	Login   []string `placeholder:"ID" help:"Id of a login key. Known devices are forgotten."`
}

func (c *keysDrop) Run(ctx context.Context, t terminal) error {
	if len(c.KeyIDs)+len(c.Refresh)+len(c.Login) == 0 {
		return fmt.Errorf("%w: keys drop needs at least one --kid=ID, --refresh=ID or --login=ID: \"edgeauth keys show\" lists the ids", errUsage)
	}
	if err := c.local("KeyVersion=N" + parameter("DropKeys", c.KeyIDs) + parameter("DropRefreshKeys", c.Refresh) +
		parameter("DropLoginKeys", c.Login)); err != nil {
		return err
	}
	version, err := c.Data.Drop(ctx, dev.Drops{Signing: c.KeyIDs, Refresh: c.Refresh, Login: c.Login}, time.Now())
	if errors.Is(err, dev.ErrNoKey) {
		return fmt.Errorf("%w: \"edgeauth keys show\" lists them", err)
	}
	if err != nil {
		return c.explain(err)
	}
	dropped := ""
	if n := len(c.KeyIDs); n > 0 {
		dropped = fmt.Sprintf("dropped %d, whose access tokens are refused from now on; ", n)
	}
	if n := len(c.Refresh); n > 0 {
		dropped += fmt.Sprintf("dropped %d of refresh tokens, whose sessions end; ", n)
	}
	if n := len(c.Login); n > 0 {
		dropped += fmt.Sprintf("dropped %d of logins, known devices are forgotten; ", n)
	}
	return printMoved(t, version, dropped)
}

// parameter returns an override of a template's parameter, or nothing if it would be empty.
func parameter(name string, ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return " " + name + "=" + strings.Join(ids, ",")
}

// local refuses to move the keys of a stack, and says how that is done: its functions must get to know of it, and only
// a deployment tells them.
func (f moveFlag) local(parameters string) error {
	name, ok := stackIn(f.Store)
	switch {
	case f.Store == "":
		return nil
	case !ok || !stack.IsName(name):
		return fmt.Errorf("%w: --store %s: only the keys in a data directory (--data) are moved here",
			errUsage, printable(f.Store))
	}
	return fmt.Errorf("%w: a stack's keys move with its deployment: sam deploy --stack-name %s --parameter-overrides %s, "+
		"where N is the next version that \"edgeauth keys show --store stack:%s\" shows", errUsage, name, parameters, name)
}

func printMoved(t terminal, version keyring.Version, before string) error {
	view := struct {
		Signing keyring.Version `json:"signing"`
	}{version}
	return t.print(view, func(w io.Writer) {
		fmt.Fprintf(w, "%sversion %d signs; a running server follows within a second\n", before, version)
	})
}
