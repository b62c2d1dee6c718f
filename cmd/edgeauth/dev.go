package main

import (
	"context"
	"fmt"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// homeFlag is the data directory, a flag of most commands.
type homeFlag struct {
	Data dev.Home `default:".edgeauth" placeholder:"DIR" help:"Data directory (${default})."`
}

type devCommand struct {
	storeFlag
	Addr      string   `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where to listen (${default})."`
	Upstream  string   `placeholder:"URL" help:"Your own API. It gets every request whose path is not edgeauth's, behind the authorizer, with the caller's identity in X-Edgeauth-* headers."`
	Algorithm string   `default:"RS256" enum:"RS256,ES256,EdDSA" help:"Algorithm of new signing keys: RS256, ES256 or EdDSA (${default})."`
	Profile   string   `default:"balanced" enum:"balanced,strict,fixed" help:"How refresh tokens rotate in new sessions: balanced, strict or fixed (${default})."`
	Checked   []string `sep:"none" placeholder:"'METHOD /path'" help:"A route on which a token ends with its session, as with the session authorizer; repeatable."`
	Config    string   `env:"EDGEAUTH_CONFIG" placeholder:"JSON|file:PATH" help:"Clients, routes, throttle and more, the same JSON as in the functions' EDGEAUTH_CONFIG (docs/configuration.md)."`
}

func (c *devCommand) Run(ctx context.Context, t terminal) error {
	profile, err := auth.ParseProfile(c.Profile)
	if err != nil {
		return err
	}
	algorithm, err := token.ParseAlgorithm(c.Algorithm)
	if err != nil {
		return err
	}
	store, err := c.settings()
	if err != nil {
		return err
	}
	var upstream *dev.Upstream
	if c.Upstream != "" {
		if upstream, err = dev.NewUpstream(c.Upstream); err != nil {
			return fmt.Errorf("%w: --upstream: %w", errUsage, err)
		}
	}
	checked, err := dev.NewChecked(c.Checked)
	if err != nil {
		return fmt.Errorf("%w: --checked: %w", errUsage, err)
	}
	return dev.Run(ctx, dev.Options{
		Addr: c.Addr, Home: c.Data, Store: store, Upstream: upstream, Algorithm: algorithm, Profile: profile, Config: c.Config, Checked: checked, Out: t.out, Log: t.err,
	})
}
