package main

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/dev"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/web"
)

// homeFlag is the data directory, a flag of most commands.
type homeFlag struct {
	Data dev.Home `default:".edgeauth" placeholder:"DIR" help:"Data directory (${default})."`
}

type devCommand struct {
	storeFlag
	Addr      string   `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The address to listen on (${default}). An address that other machines can reach needs --host."`
	Host      []string `sep:"none" placeholder:"NAME" help:"A host, besides this machine, under which clients reach the server, such as its service in docker compose; repeatable."`
	Issuer    string   `placeholder:"URL" help:"The issuer and the audience of tokens (the address of the server)."`
	TLS       bool     `name:"tls" help:"Serve https, with a certificate that the server creates in the data directory."`
	TLSCert   string   `name:"tls-cert" placeholder:"FILE" help:"Serve https with this certificate, a PEM file; together with --tls-key."`
	TLSKey    string   `name:"tls-key" placeholder:"FILE" help:"The key of --tls-cert."`
	Upstream  string   `placeholder:"URL" help:"Your own API. It gets every request whose path is not edgeauth's, behind the authorizer, with the caller's identity in X-Edgeauth-* headers."`
	Public    []string `sep:"none" placeholder:"'METHOD /path'" help:"A route of the upstream without the authorizer; repeatable."`
	Checked   []string `sep:"none" placeholder:"'METHOD /path'" help:"A route behind the session authorizer, on which a token stops working when its session ends; repeatable."`
	Origin    []string `sep:"none" placeholder:"ORIGIN" help:"An origin whose pages may read the answers (CORS), such as http://localhost:5173, as the parameter Origins of a deployment; repeatable."`
	Algorithm string   `default:"RS256" enum:"RS256,ES256,EdDSA" help:"Algorithm of new signing keys: RS256, ES256 or EdDSA (${default})."`
	Profile   string   `default:"balanced" enum:"balanced,strict,fixed" help:"How refresh tokens rotate in new sessions: balanced, strict or fixed (${default})."`
	Check     string   `default:"session" enum:"session,revocations" help:"The mode of the session authorizer on the routes of --checked: session reads the session of each token, revocations reads the ended sessions every 5 seconds (${default})."`
	Mail      string   `placeholder:"SENDER" help:"How mails are sent: none, console, file:FOLDER, or a mail server as in smtp://localhost:1025 (files in the data directory)."`
	MailLink  string   `placeholder:"URL|PATH" help:"The page where a user types a code, such as /code.html of the upstream (default: the page of this server). Mails link to it with the code in the fragment."`
	MailTexts string   `name:"mail-texts" placeholder:"DIR" help:"A folder with texts of mails (docs/mail.md)."`
	Config    string   `env:"EDGEAUTH_CONFIG" placeholder:"JSON|file:PATH" help:"Clients, routes, throttle and more, the same JSON as in the functions' EDGEAUTH_CONFIG (docs/configuration.md)."`
}

func (c *devCommand) Run(ctx context.Context, t terminal) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	o.Out, o.Log = t.out, t.err
	return dev.Run(ctx, o)
}

func (c *devCommand) options() (dev.Options, error) {
	o := dev.Options{Addr: c.Addr, Issuer: c.Issuer, Home: c.Data, Config: c.Config, Check: c.Check, Pages: []fs.FS{web.Files, web.Page()}}
	o.Mail = dev.Mail{Sender: c.Mail, Link: c.MailLink, Templates: c.MailTexts}
	if err := dev.CheckMail(o.Mail); err != nil {
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	o.TLS = dev.TLS{On: c.TLS || c.TLSCert != "", Cert: c.TLSCert, Key: c.TLSKey}
	var err error
	if o.Profile, err = auth.ParseProfile(c.Profile); err != nil {
		return o, err
	}
	if o.Algorithm, err = token.ParseAlgorithm(c.Algorithm); err != nil {
		return o, err
	}
	if o.Store, err = c.settings(); err != nil {
		return o, err
	}
	if c.Upstream != "" {
		if o.Upstream, err = dev.NewUpstream(c.Upstream); err != nil {
			return o, fmt.Errorf("%w: --upstream: %w", errUsage, err)
		}
	}
	if o.Guards, err = dev.NewGuards(c.Checked, c.Public); err != nil {
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	if o.Hosts, err = dev.NewHosts(c.Host); err != nil {
		return o, fmt.Errorf("%w: --host: %w", errUsage, err)
	}
	if o.CORS, err = dev.NewCORS(c.Origin); err != nil {
		return o, fmt.Errorf("%w: --origin: %w", errUsage, err)
	}
	switch {
	case len(c.Public) > 0 && c.Upstream == "":
		return o, fmt.Errorf("%w: --public needs --upstream, because it names routes of the upstream", errUsage)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return o, fmt.Errorf("%w: --tls-cert and --tls-key must be set together", errUsage)
	}
	return o, nil
}
