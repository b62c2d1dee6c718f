package dev

import (
	"bytes"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// TestWelcome: the text lists only the options that differ from their defaults.
func TestWelcome(t *testing.T) {
	show := func(o Options, s site) string {
		t.Helper()
		var out bytes.Buffer
		o.Out, o.Home = &out, "it's home"
		if err := o.welcome(s, auth.NewSecret("demo-password")); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(out.String(), "\n\nLog in")
		if !strings.Contains(out.String(), o.curl()+" "+s.url+"/auth/login") || !strings.Contains(out.String(), "with the password demo-password, in a browser at "+s.url+"/ or") {
			t.Errorf("the commands are\n%s", out.String())
		}
		return strings.TrimSpace(head)
	}
	plain := site{url: here, issuer: here}
	const first = "edgeauth runs on " + here + " with its data in it's home. Press Ctrl-C to stop it."
	if got := show(Options{}, plain); got != first {
		t.Errorf("without options:\n%s", got)
	}
	guards, err := NewGuards([]string{"POST /money"}, []string{"GET /health", "GET /docs/"})
	if err != nil {
		t.Fatal(err)
	}
	got := show(Options{TLS: TLS{On: true}, Guards: guards, CORS: CORS{[]string{pageOrigin}}}, site{here, "https://edgeauth", Hosts{"edgeauth", "lan"}})
	want := first + `
  Tokens have the issuer https://edgeauth
  Also at the hosts edgeauth, lan
  TLS with a self-signed certificate, which browsers warn about: it's home/tls.crt
  CORS for pages of http://localhost:5173
  Without the authorizer: GET /health, GET /docs/
  Session authorizer on POST /money`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := (Options{Home: "it's home", TLS: TLS{On: true}}).curl(); got != `curl -sS --cacert 'it'\''s home/tls.crt'` {
		t.Error(got)
	}
}
