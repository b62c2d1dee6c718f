package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
)

type attachCommand struct {
	Store string `required:"" placeholder:"stack:NAME" help:"The deployed stack, in the Region and with the credentials that the aws command uses."`
	Kind  string `arg:"" optional:"" enum:"native,http,session,cookie-http,rest-token,rest-request,cookie-rest," default:"" help:"native (an HTTP API's own JWT authorizer), http, session (http, with the session authorizer beside it), cookie-http, rest-token, rest-request or cookie-rest (default: all)."`
}

// attachment is a block of a SAM template.
type attachment struct {
	kind, heading string
	block         func(s stack.Stack) string
}

// attachments are the ways to attach an API, in the order of docs/attach.md. examples/ has a whole
// template for each.
var attachments = []attachment{
	{"native", "An HTTP API with its own JWT authorizer, which accepts RS256 only. Properties of an AWS::Serverless::HttpApi:",
		func(s stack.Stack) string {
			return fmt.Sprintf(`FailOnWarnings: true
Auth:
  DefaultAuthorizer: edgeauth
  Authorizers:
    edgeauth:
      IdentitySource: $request.header.Authorization
      JwtConfiguration: {issuer: %s, audience: [%s]}
`, yamlText(s.Issuer), yamlText(s.Audience[0]))
		}},
	{"http", "An HTTP API with edgeauth's authorizer. Properties of an AWS::Serverless::HttpApi:",
		func(s stack.Stack) string {
			return httpBlock + httpAuthorizer("edgeauth", s.Authorizer, withHeader)
		}},
	{"session", "An HTTP API with both of edgeauth's authorizers. A route with Auth: {Authorizer: edgeauth-session} refuses a token " +
		"whose session has ended. Properties of an AWS::Serverless::HttpApi:",
		func(s stack.Stack) string {
			return httpBlock + httpAuthorizer("edgeauth", s.Authorizer, withHeader) + httpAuthorizer("edgeauth-session", s.SessionAuthorizer, withHeader)
		}},
	{"cookie-http", "An HTTP API that takes the token from the cookie too, if token_sources has it. Properties of an AWS::Serverless::HttpApi:",
		func(s stack.Stack) string {
			return httpBlock + httpAuthorizer("edgeauth", s.Authorizer, withoutSource)
		}},
	{"rest-token", "A REST API whose authorizer gets the token only. Properties of an AWS::Serverless::Api:",
		func(s stack.Stack) string {
			return restBlock(s, "TOKEN", "{Header: Authorization, ReauthorizeEvery: 0}")
		}},
	{"rest-request", "A REST API whose authorizer gets the request. Properties of an AWS::Serverless::Api:",
		func(s stack.Stack) string { return restBlock(s, "REQUEST", withHeader) }},
	{"cookie-rest", "A REST API that takes the token from the cookie too, if token_sources has it. Properties of an AWS::Serverless::Api:",
		func(s stack.Stack) string { return restBlock(s, "REQUEST", withoutSource) }},
}

// The identity sources of an authorizer. Without a source, the gateway also calls it for a request
// that has only a cookie.
const (
	withHeader    = "{Headers: [Authorization], ReauthorizeEvery: 0}"
	withoutSource = "{ReauthorizeEvery: 0}"
)

const httpBlock = `FailOnWarnings: true
Auth:
  DefaultAuthorizer: edgeauth
  Authorizers:
`

func httpAuthorizer(name, arn, identity string) string {
	return fmt.Sprintf(`    %s:
      FunctionArn: %s
      AuthorizerPayloadFormatVersion: '2.0'
      EnableSimpleResponses: true
      Identity: %s
`, name, yamlText(arn), identity)
}

func restBlock(s stack.Stack, payload, identity string) string {
	return fmt.Sprintf(`OpenApiVersion: 3.0.1
Auth:
  DefaultAuthorizer: edgeauth
  AddDefaultAuthorizerToCorsPreflight: false
  Authorizers:
    edgeauth:
      FunctionArn: %s
      FunctionPayloadType: %s
      DisableFunctionDefaultPermissions: true
      Identity: %s
`, yamlText(s.Authorizer), payload, identity)
}

// plainText matches URLs and ARNs that YAML reads as text without quotes, also in a flow sequence.
var plainText = regexp.MustCompile(`^(https://|arn:)[A-Za-z0-9:/._~-]*[A-Za-z0-9/_~-]$`)

// yamlText writes a text as a YAML scalar. An audience may hold any printable character.
func yamlText(text string) string {
	if plainText.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func (c *attachCommand) Run(ctx context.Context, t terminal) error {
	name, ok := stackIn(c.Store)
	if !ok {
		return fmt.Errorf("%w: --store %s: only a deployed stack can be attached (want stack:NAME)", errUsage, printable(c.Store))
	}
	s, err := deployed(ctx, t, name)
	if err != nil {
		return err
	}
	view, text := map[string]string{}, new(strings.Builder)
	for _, a := range attachments {
		if c.Kind != "" && c.Kind != a.kind {
			continue
		}
		if a.kind == "session" && s.SessionAuthorizer == "" {
			if c.Kind == "" {
				continue
			}
			return fmt.Errorf("the stack %s has no session authorizer; first deploy it with the current template.yaml", s.Name)
		}
		view[a.kind] = a.block(s)
		if text.Len() > 0 {
			fmt.Fprintln(text)
		}
		fmt.Fprintf(text, "# %s\n%s", a.heading, view[a.kind])
	}
	return t.print(view, func(w io.Writer) { _, _ = io.WriteString(w, text.String()) })
}
