package dev

import (
	"text/template"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// The commands can be pasted into a POSIX shell with curl and sed.
var welcomeText = template.Must(template.New("welcome").Parse(`
edgeauth runs on {{.URL}} with its data in {{.Home}}. Press Ctrl-C to stop it.

Log in as {{.Email}}:

  tokens=$(curl -sS {{.URL}}/auth/login -H 'Content-Type: application/json' \
    -d '{"email":"{{.Email}}","password":"{{or .Password "YOUR-PASSWORD"}}"}')
  access=$(printf %s "$tokens" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  refresh=$(printf %s "$tokens" | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/')
  echo "$tokens"

Call {{.Protected}} through the authorizer:

  curl -sS {{.URL}}{{.Path}} -H "Authorization: Bearer $access"

Use the refresh token, as an OAuth client or with JSON:

  curl -sS {{.URL}}/auth/refresh -d grant_type=refresh_token -d "refresh_token=$refresh"
  curl -sS {{.URL}}/auth/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$refresh\"}"

End the session (its access token stays valid until it expires, but not on routes of --checked):

  curl -sS {{.URL}}/auth/logout -d "token=$refresh"

Get refused, without a token (401) and with an invalid one (403):

  curl -sS -w ' %{http_code}\n' {{.URL}}{{.Path}}
  curl -sS -w ' %{http_code}\n' {{.URL}}{{.Path}} -H "Authorization: Bearer x$access"

`))

// welcome prints how to use the server.
func (o Options) welcome(issuer string, password auth.Secret) error {
	view := map[string]any{
		"URL": issuer, "Home": o.Home, "Email": demoEmail, "Password": pasteable(password),
		"Path": "/me", "Protected": "the demo route",
	}
	if o.Upstream != nil {
		view["Path"], view["Protected"] = "/", o.Upstream.url
	}
	return welcomeText.Execute(o.Out, view)
}

// pasteable returns the password if it has no special meaning in a shell or in JSON, or "". The
// file may hold a password that a person chose.
func pasteable(password auth.Secret) string {
	text := password.Reveal()
	for _, r := range text {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-') {
			return ""
		}
	}
	return text
}
