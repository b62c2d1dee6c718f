package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

type tokenCommand struct {
	Issue  tokenIssue  `cmd:"" help:"Issue an access token with the local keys, to test an API."`
	Verify tokenVerify `cmd:"" help:"Verify an access token from standard input with the local keys."`
}

// issuerFlags are the issuer, the audience and the keys of tokens.
type issuerFlags struct {
	homeFlag
	Issuer   string   `default:"http://127.0.0.1:8080" placeholder:"URL" help:"The issuer (${default}, which is the local server)."`
	Audience []string `placeholder:"AUDIENCE" help:"The audiences, separated by commas (default: the issuer)."`
}

func (f issuerFlags) audience() []string {
	if len(f.Audience) == 0 {
		return []string{f.Issuer}
	}
	return f.Audience
}

// keys loads the local signing ring at its current version.
func (f issuerFlags) keys(ctx context.Context) (*keyring.Signing, error) {
	ring, err := keyrings.Load(ctx, f.Data.SigningRing(), keyrings.SigningRing)
	if err != nil {
		return nil, f.explain(err)
	}
	return keyring.LoadSigning(ctx, f.Data.SigningRing(), ring.Current(), time.Now)
}

// maxAuthAge is the longest life of a session: the login of a token is never longer ago.
const maxAuthAge = 8760 * time.Hour

type tokenIssue struct {
	issuerFlags
	Subject  auth.SubjectID    `help:"The subject (default: a random one)." placeholder:"SUBJECT"`
	Client   auth.ClientID     `default:"default" placeholder:"CLIENT" help:"The client (the one with the id \"${default}\")."`
	Scope    []string          `placeholder:"SCOPE" help:"The names in the scope, separated by commas."`
	Roles    []string          `placeholder:"ROLE" help:"The roles, separated by commas."`
	Claim    map[string]string `mapsep:"none" placeholder:"NAME=JSON" help:"A private claim, whose value is JSON; repeatable."`
	Lifetime time.Duration     `default:"15m" placeholder:"DURATION" help:"Lifetime of the token, 1m to 1h (${default})."`
	AuthAge  time.Duration     `default:"0s" placeholder:"DURATION" help:"How long ago the user proved the password, for routes with max_auth_age (${default})."`
}

func (c *tokenIssue) Run(ctx context.Context, t terminal) error {
	claims, err := c.claims()
	if err != nil {
		return err
	}
	if c.Subject == "" {
		c.Subject = auth.SubjectID(uuid.NewString())
	}
	if c.AuthAge < 0 || c.AuthAge > maxAuthAge {
		return fmt.Errorf("%w: --auth-age %v is out of range (want 0s to %v)", errUsage, c.AuthAge, maxAuthAge)
	}
	if err := c.Subject.Validate(); err != nil {
		return fmt.Errorf("%w: --subject: %w", errUsage, err)
	}
	keys, err := c.keys(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	issuer, err := token.NewIssuer(token.IssuerConfig{
		Issuer: c.Issuer, Audience: c.audience(), Keys: keys, Lifetime: c.Lifetime, Now: func() time.Time { return now }, Rand: rand.Reader,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	access, err := issuer.Issue(ctx, token.Grant{
		Subject: auth.Subject{ID: c.Subject, Roles: c.Roles, Claims: claims}, SessionID: "local-" + rand.Text(),
		Client: c.Client, Scope: c.Scope, AuthTime: now.Add(-c.AuthAge), NotAfter: now.Add(token.MaxLifetime),
	})
	if err != nil {
		return err
	}
	view := map[string]any{"access_token": access.Text.Reveal(), "expires": access.Expires, "sub": c.Subject}
	return t.print(view, func(w io.Writer) { fmt.Fprintln(w, access.Text.Reveal()) })
}

func (c *tokenIssue) claims() (map[string]any, error) {
	claims := map[string]any{}
	for name, value := range c.Claim {
		if !json.Valid([]byte(value)) {
			return nil, fmt.Errorf("%w: --claim %s: the value is not JSON (want for example %s='\"text\"')", errUsage, name, name)
		}
		claims[name] = json.RawMessage(value)
	}
	return claims, nil
}

type tokenVerify struct{ issuerFlags }

func (c *tokenVerify) Run(ctx context.Context, t terminal) error {
	keys, err := c.keys(ctx)
	if err != nil {
		return err
	}
	public, err := keys.PublicKeys(ctx)
	if err != nil {
		return err
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{Issuer: c.Issuer, Audience: c.audience(), Keys: public, Now: time.Now})
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	text, err := t.secret("Access token", false)
	if err != nil {
		return err
	}
	claims, err := verifier.Verify(ctx, text.Reveal())
	if err != nil {
		return c.explain(err, text)
	}
	view := map[string]any{
		"iss": claims.Issuer, "sub": claims.Subject, "aud": claims.Audience, "client_id": claims.ClientID, "sid": claims.SessionID,
		"scope": claims.Scope, "roles": claims.Roles, "iat": claims.IssuedAt.Unix(), "exp": claims.Expires.Unix(), "jti": claims.ID,
		"auth_time": claims.AuthTime.Unix(),
	}
	for name, raw := range claims.Own {
		view[name] = raw
	}
	return t.print(view, func(w io.Writer) {
		fmt.Fprintf(w, "good until\t%s\n", claims.Expires.Local().Format(time.DateTime))
		fmt.Fprintf(w, "auth_time\t%s\n", claims.AuthTime.Local().Format(time.DateTime))
		for _, name := range []string{"iss", "sub", "aud", "client_id", "sid", "scope", "roles", "jti"} {
			fmt.Fprintf(w, "%s\t%v\n", name, view[name])
		}
		for _, name := range slices.Sorted(maps.Keys(claims.Own)) {
			fmt.Fprintf(w, "%s\t%s\n", name, claims.Own[name])
		}
	})
}

// explain names both issuers in the error for a token of another issuer. The signature of such a
// token is good, because it is checked before the claims.
func (c *tokenVerify) explain(err error, text auth.Secret) error {
	if token.ReasonOf(err) != token.ReasonWrongIssuer {
		return err
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	parts := strings.Split(text.Reveal(), ".")
	payload, decodeErr := base64.RawURLEncoding.DecodeString(parts[1])
	if decodeErr != nil || json.Unmarshal(payload, &claims) != nil {
		return err
	}
	return fmt.Errorf("%w: the token has %q, expected %q (pass the issuer with --issuer)", err, claims.Issuer, c.Issuer)
}
