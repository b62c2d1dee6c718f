package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

// configFlag names the configuration whose rules a command applies.
type configFlag struct {
	Config string `placeholder:"JSON|file:PATH" help:"The configuration of the functions (default: the parameter Config of the stack; for another store, EDGEAUTH_CONFIG)."`
}

// configuration has the parts of a configuration that concern users.
type configuration struct {
	from    string // empty if no configuration is known
	policy  password.Policy
	clients []auth.ClientID // sorted
}

// readConfig reads the configuration of a store: the value of --config, or else the default that its
// help names. The error names where the configuration comes from.
func (f configFlag) readConfig(ctx context.Context, s storeFlag) (c configuration, err error) {
	text := os.Getenv(config.Config)
	if text != "" {
		c.from = config.Config
	}
	if name, ok := stackIn(s.Store); ok {
		described, err := describeStack(ctx, name)
		if err != nil {
			return c, err
		}
		if issuer, err := url.Parse(described.Issuer); err == nil {
			c.policy.Service = issuer.Hostname() // refused as a password, as the functions do
		}
		// The environment is not that of the stack. A template of your own may have no such parameter.
		var given bool
		c.from = ""
		if text, given = described.Parameters["Config"]; given {
			c.from = "the parameter Config of the stack " + described.Name
		}
	}
	if f.Config != "" {
		text, c.from = f.Config, "--config"
	}
	if c.from == "" {
		return c, nil
	}
	read, err := service.ReadConfig(text)
	if err != nil && c.from != config.Config { // the error names the variable
		err = fmt.Errorf("%s: %w", c.from, err)
	}
	if err != nil {
		return c, err
	}
	ids := map[auth.ClientID]bool{auth.DefaultClient: true}
	for _, one := range read.Clients {
		ids[one.ID] = true
	}
	c.policy.MinCharacters, c.clients = read.Policy.MinCharacters, slices.Sorted(maps.Keys(ids))
	return c, nil
}

// explain adds the setting that requires a longer password than the default to an error about a new
// password.
func (c configuration) explain(err error) error {
	var short *password.TooShort
	if errors.As(err, &short) && short.Least == c.policy.MinCharacters {
		return fmt.Errorf("%w: passwords.min_characters in %s", err, c.from)
	}
	return err
}

// has returns an error if the configuration does not have the client. Without a configuration,
// every client may exist.
func (c configuration) has(client auth.ClientID) error {
	if c.from == "" || slices.Contains(c.clients, client) {
		return nil
	}
	var known []string
	for _, id := range c.clients {
		known = append(known, string(id))
	}
	return fmt.Errorf("%w: --client %q: unknown client (want %s: clients in %s)", errUsage, client, strings.Join(known, ", "), c.from)
}
