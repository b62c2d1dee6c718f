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
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// moveFlag selects the keys to move. The hidden --store explains why the keys of a stack cannot be
// moved here.
type moveFlag struct {
	homeFlag
	Store string `hidden:""`
}

type keysRotate struct {
	moveFlag
	Algorithm string `enum:",RS256,ES256,EdDSA" default:"" placeholder:"ALG" help:"Algorithm of the new key, which signs after the next rotation (default: the algorithm of the newest key)."`
}

func (c *keysRotate) Run(ctx context.Context, t terminal) error {
	if err := c.local("KeyVersion=N"); err != nil {
		return err
	}
	now := time.Now()
	withdrawn, retired, err := c.Data.Withdraws(ctx)
	if err != nil {
		return c.explain(err)
	}
	version, err := c.Data.Rotate(ctx, token.Algorithm(c.Algorithm), now)
	if err != nil {
		return c.explain(err)
	}
	if ago := now.Sub(retired); withdrawn > 0 && ago < token.MaxLifetime+token.Leeway {
		fmt.Fprintf(t.err, "edgeauth: warning: version %d signed until %s ago, and its access tokens are refused from now on; "+
			"wait %s between two rotations\n", withdrawn, ago.Round(time.Second), token.MaxLifetime)
	}
	return printMoved(t, version, "")
}

type keysDrop struct {
	moveFlag
	// The ids are flags, not arguments: one key id in 64 begins with a dash, and --kid=-x is
	// unambiguous.
	KeyIDs  []string `name:"kid" placeholder:"ID" help:"Id of a signing key. Its access tokens are refused; sessions continue. Write --kid=ID; repeat it to drop several."`
	Refresh []string `placeholder:"ID" help:"Id of a refresh-token key. Sessions whose refresh token was made with it end."`
	Login   []string `placeholder:"ID" help:"Id of a login key. Known devices are forgotten."`
}

func (c *keysDrop) Run(ctx context.Context, t terminal) error {
	if len(c.KeyIDs)+len(c.Refresh)+len(c.Login) == 0 {
		return fmt.Errorf("%w: keys drop needs at least one --kid=ID, --refresh=ID or --login=ID (\"edgeauth keys show\" lists the ids)", errUsage)
	}
	if err := c.local("KeyVersion=N" + parameter("DropKeys", c.KeyIDs) + parameter("DropRefreshKeys", c.Refresh) +
		parameter("DropLoginKeys", c.Login)); err != nil {
		return err
	}
	version, err := c.Data.Drop(ctx, dev.Drops{Signing: c.KeyIDs, Refresh: c.Refresh, Login: c.Login}, time.Now())
	if errors.Is(err, dev.ErrNoKey) {
		return fmt.Errorf("%w (\"edgeauth keys show\" lists the ids)", err)
	}
	if err != nil {
		return c.explain(err)
	}
	dropped := ""
	if n := len(c.KeyIDs); n > 0 {
		dropped = fmt.Sprintf("signing keys dropped: %d, and their access tokens are refused from now on; ", n)
	}
	if n := len(c.Refresh); n > 0 {
		dropped += fmt.Sprintf("refresh-token keys dropped: %d, and their sessions end; ", n)
	}
	if n := len(c.Login); n > 0 {
		dropped += fmt.Sprintf("login keys dropped: %d, and known devices are forgotten; ", n)
	}
	return printMoved(t, version, dropped)
}

// parameter returns an override of a template parameter, or "" if ids is empty.
func parameter(name string, ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return " " + name + "=" + strings.Join(ids, ",")
}

// local returns an error for the keys of a stack. The error names the deployment that moves them,
// because only a deployment updates the functions.
func (f moveFlag) local(parameters string) error {
	name, ok := stackIn(f.Store)
	switch {
	case f.Store == "":
		return nil
	case !ok || !stack.IsName(name):
		return fmt.Errorf("%w: --store %s: this command changes only the keys in a data directory (want --data DIR)",
			errUsage, printable(f.Store))
	}
	return fmt.Errorf("%w: only a deployment changes the keys of a stack: sam deploy --stack-name %s --parameter-overrides %s, "+
		"where N is the next version that \"edgeauth keys show --store stack:%s\" prints", errUsage, name, parameters, name)
}

func printMoved(t terminal, version keyrings.Version, before string) error {
	view := struct {
		Signing keyrings.Version `json:"signing"`
	}{version}
	return t.print(view, func(w io.Writer) {
		fmt.Fprintf(w, "%sversion %d signs; a running server reloads within a second\n", before, version)
	})
}
