package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/deployment"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

type configCommand struct {
	Check configCheck `cmd:"" help:"Check a configuration as a deployment does: with the functions' own readers, and for its length."`
}

type configCheck struct {
	File      string `arg:"" optional:"" help:"The file with the JSON object (docs/configuration.md), or - for standard input (default: the value of EDGEAUTH_CONFIG). Other variables, such as EDGEAUTH_IDLE_TIMEOUT, are checked if they are set."`
	Algorithm string `default:"RS256" enum:"RS256,ES256,EdDSA" help:"The algorithm of the signing keys, whose length counts towards the limit: RS256, ES256 or EdDSA (${default})."`
}

// defaults are the values that the template gives by default. Names of tables and secrets have the
// length that CloudFormation gives them in a stack "edgeauth".
var defaults = map[string]string{
	config.Issuer:              "https://abcdefghij.execute-api.eu-central-1.amazonaws.com",
	config.AccessTokenLifetime: "15m", config.IdleTimeout: "336h", config.AbsoluteTimeout: "2160h",
	config.Profile: "balanced", config.Deny: config.DenyUnauthorized, config.HTTPResponse: config.ResponseSimple,
	config.RestoredUntil: "", config.SessionsNotBefore: "", config.SessionCheck: config.CheckSession, config.Audience: "", config.KeyVersion: "1", config.Store: "dynamodb",
	config.UsersTable: "edgeauth-UsersTable-ABCDEFGHIJKL", config.SessionsTable: "edgeauth-SessionsTable-ABCDEFGHIJKL",
	config.AttemptsTable: "edgeauth-AttemptsTable-ABCDEFGHIJKL",
	config.SigningRing:   "secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:SigningSecret-AbCdEfGhIjKl-AbCdEf",
	config.RefreshKeys:   "secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:RefreshSecret-AbCdEfGhIjKl-AbCdEf",
	config.LoginRing:     "secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:LoginSecret-AbCdEfGhIjKl-AbCdEf",
	config.MailSender:    "none", config.MailFrom: "", config.MailName: "", config.MailReplyTo: "", config.MailLink: "", config.MailTemplates: "", config.SMTPPassword: "", config.ConfigurationSet: "",
}

func (c *configCheck) Run(t terminal) error {
	values := map[string]string{}
	for name, text := range defaults {
		values[name] = cmp.Or(os.Getenv(name), text)
	}
	values[config.Audience] = cmp.Or(values[config.Audience], values[config.Issuer])
	origin, err := c.read(t, values)
	if err != nil {
		return err
	}
	jwk, err := c.sampleKey()
	if err != nil {
		return err
	}
	values[config.JWKS] = `{"keys":[` + jwk + `]}`
	rotating := deployment.WithKeys(values, jwk)
	problems := deployment.Check(values)
	if p, isTooLong := deployment.TooLong(rotating); isTooLong {
		problems = append(problems, p)
	}
	var errs []error
	for _, p := range problems {
		errs = append(errs, errors.New(placed(p, origin)))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	function, size := deployment.Size(rotating)
	view := struct {
		Function string `json:"function"`
		Bytes    int    `json:"bytes"`
		Limit    int    `json:"limit"`
	}{function, size, deployment.MaxBytes}
	return t.print(view, func(w io.Writer) {
		fmt.Fprintf(w, "the configuration is right; with three %s keys, the variables of the function %s have about %d of %d bytes\n",
			c.Algorithm, function, size, deployment.MaxBytes)
	})
}

// sampleKey returns a public key of the algorithm, as a JWK.
func (c *configCheck) sampleKey() (string, error) {
	algorithm, err := token.ParseAlgorithm(c.Algorithm)
	if err != nil {
		return "", err
	}
	key, err := token.GenerateSigningKey(algorithm, rand.Reader)
	return string(key.Public().JWK()), err
}

// placed returns a problem with its place, in the form of a compiler's errors: file:line: problem.
func placed(p deployment.Problem, origin string) string {
	text, ok := strings.CutPrefix(p.String(), config.Config)
	switch {
	case !ok:
		return p.String()
	case p.Line > 0:
		return fmt.Sprintf("%s:%d: %s", origin, p.Line, strings.TrimLeft(text, ": "))
	}
	return origin + text
}

// read puts the configuration into values and returns where it comes from.
func (c *configCheck) read(t terminal, values map[string]string) (origin string, err error) {
	var text []byte
	switch c.File {
	case "":
		values[config.Config] = os.Getenv(config.Config)
		path, inFile := strings.CutPrefix(values[config.Config], "file:")
		switch {
		case values[config.Config] == "":
			return "", fmt.Errorf("%w: there is no configuration: name a file, or set %s", errUsage, config.Config)
		case inFile:
			return printable(path), nil
		}
		return config.Config, nil
	case "-":
		origin = "standard input"
		text, err = io.ReadAll(io.LimitReader(t.in, config.MaxFileBytes+1))
	default:
		origin = printable(c.File)
		text, err = os.ReadFile(c.File)
	}
	if err == nil && len(text) == 0 {
		err = fmt.Errorf("%s is empty (want a JSON object)", origin)
	}
	values[config.Config] = string(text)
	return origin, err
}
