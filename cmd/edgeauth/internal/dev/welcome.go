package dev

import (
	"strings"
	"text/template"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// The commands can be pasted into a POSIX shell with curl and sed.
var welcomeText = template.Must(template.New("welcome").Parse(`
edgeauth runs on {{.URL}} with its data in {{.Home}}. Press Ctrl-C to stop it.
{{- range .On}}
  {{.}}
{{- end}}

Log in as {{.Email}} with the password {{or .Password "YOUR-PASSWORD"}}, in a browser at {{.URL}}{{.Page}} or with curl:

  tokens=$({{.Curl}} {{.URL}}/auth/login -H 'Content-Type: application/json' \
    -d '{"email":"{{.Email}}","password":"{{or .Password "YOUR-PASSWORD"}}"}')
  access=$(printf %s "$tokens" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  refresh=$(printf %s "$tokens" | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/')
  echo "$tokens"

Call {{.Protected}} through the authorizer:

  {{.Curl}} {{.URL}}{{.Path}} -H "Authorization: Bearer $access"

Use the refresh token, as an OAuth client or with JSON:

  {{.Curl}} {{.URL}}/auth/refresh -d grant_type=refresh_token -d "refresh_token=$refresh"
  {{.Curl}} {{.URL}}/auth/refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$refresh\"}"

End the session (its access token stays valid until it expires, but not on routes of --checked):

  {{.Curl}} {{.URL}}/auth/logout -d "token=$refresh"

Get refused, without a token (401) and with an invalid one (403):

  {{.Curl}} -w ' %{http_code}\n' {{.URL}}{{.Path}}
  {{.Curl}} -w ' %{http_code}\n' {{.URL}}{{.Path}} -H "Authorization: Bearer x$access"

`))

// welcome prints how to use the server.
func (o Options) welcome(s site, password auth.Secret) error {
	view := map[string]any{
		"URL": s.url, "Home": o.Home, "Email": demoEmail, "Password": pasteable(password), "On": o.on(s), "Curl": o.curl(),
		"Path": "/me", "Protected": "the demo route", "Page": o.prefix(),
	}
	if o.Upstream != nil {
		view["Path"], view["Protected"] = "/", o.Upstream.url
	}
	return welcomeText.Execute(o.Out, view)
}

// on returns the options that differ from their defaults, one line for each.
func (o Options) on(s site) (lines []string) {
	tell := func(is bool, line string, values ...string) {
		if is {
			lines = append(lines, line+strings.Join(values, ", "))
		}
	}
	tell(s.issuer != s.url, "Tokens have the issuer ", s.issuer)
	tell(len(s.hosts) > 0, "Also at the hosts ", s.hosts...)
	tell(o.TLS.On && o.TLS.Cert != "", "TLS with the certificate in ", o.TLS.Cert)
	tell(o.TLS.On && o.TLS.Cert == "", "TLS with a self-signed certificate, which browsers warn about: ", o.Home.path(certFile))
	tell(o.CORS.on(), "CORS for pages of ", o.CORS.origins...)
	tell(len(o.Guards.public) > 0, "Without the authorizer: ", o.Guards.public...)
	tell(len(o.Guards.checked) > 0, "Session authorizer on ", o.Guards.checked...)
	return lines
}

// curl returns the command that trusts the certificate of the server.
func (o Options) curl() string {
	if !o.TLS.On || o.TLS.Cert != "" {
		return "curl -sS"
	}
	return "curl -sS --cacert '" + strings.ReplaceAll(o.Home.path(certFile), "'", `'\''`) + "'"
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
