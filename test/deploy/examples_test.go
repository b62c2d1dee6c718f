package deploy_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// example returns an unchanged example, built and packaged.
func (p *project) example(ctx context.Context, name string) (document, error) {
	p.packing.Lock()
	defer p.packing.Unlock()
	if d, ok := p.examples[name]; ok {
		return d, nil
	}
	folder := filepath.Join(p.Work, name)
	err := p.sam(ctx, "build", "--template", filepath.Join("examples", name+".yaml"), "--build-dir", folder,
		"--config-file", filepath.Join(p.Root, "examples", "samconfig.toml"))
	if err != nil {
		return nil, err
	}
	d, err := p.packaged(ctx, folder)
	if err == nil {
		p.examples[name] = d
	}
	return d, err
}

// packed are the examples that were built.
type packed struct {
	packing  sync.Mutex
	examples map[string]document
}

// attach deploys an example that takes the tokens of the stack, with further parameters, and returns
// the address that the example's output names.
func (s *stack) attach(example string, parameters ...string) (url string) {
	s.t.Helper()
	d, err := s.example(s.t.Context(), example)
	if err != nil {
		s.t.Fatal(err)
	}
	for parameter, name := range map[string]string{"AuthorizerArn": "authorizer", "SessionAuthorizerArn": "session-authorizer", "Issuer": "issuer"} {
		if _, takes := d["Parameters"].(object)[parameter]; takes {
			parameters = append(parameters, parameter+"=/"+s.name+"/"+name)
		}
	}
	api := s.stack(s.t, s.name+"-"+example)
	api.mustPut(d, parameters...)
	return s.cloud.emulated(api.outputs["Url"])
}

// emulated returns the URL of an API with the name that the emulator uses for it.
func (c *cloud) emulated(url string) string {
	return strings.Replace(url, ".execute-api."+region+".amazonaws.com", ".execute-api."+strings.TrimPrefix(c.url, "https://"), 1)
}

// whoami calls the backend of an example.
func (s *stack) whoami(url, access string) answer {
	s.t.Helper()
	a, err := s.client().send(s.t.Context(), http.MethodGet, url, nil, access)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Every example accepts the tokens of a stack, and no other tokens. The examples that accept
// cookies need a configuration of the stack, and are left out.
func TestExamples(t *testing.T) {
	p := open(t)
	s := p.stack(t, "examples")
	s.mustPut(p.template, s.parameters()...)
	s.mustCommand(password, "user add "+ada+" --roles demo")
	c := s.client()
	if err := c.login(t.Context(), ada, password); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(p.Root, "examples", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if strings.HasPrefix(name, "cookie-") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := *s
			s.t = t
			refusal := map[string]int{"http-api": http.StatusForbidden, "session-http-api": http.StatusForbidden, "http-proxy": http.StatusForbidden}[name] // an HTTP API has no other for an authorizer's no
			if refusal == 0 {
				refusal = http.StatusUnauthorized
			}
			var others []string
			if name == "http-proxy" {
				others = append(others, "BackendUrl="+s.backend().url)
			}
			url := s.attach(name, others...)
			for _, row := range []struct {
				what, access string
				status       int
			}{
				{"no token", "", http.StatusUnauthorized},
				{"an altered token", c.access[:len(c.access)-8] + "AAAAAAAA", refusal},
				{"a refresh token", c.refresh, refusal},
				{"the token", c.access, http.StatusOK},
			} {
				got := s.whoami(url, row.access)
				if got.status != row.status {
					t.Errorf("%s: %d %v, want %d", row.what, got.status, got.body, row.status)
				}
				if row.status == http.StatusOK {
					t.Log(got.body)
				}
			}
		})
	}
}

// On a route with the session authorizer, a logout ends the access token at once, and in its mode
// revocations within seconds. On the other routes, the token keeps working.
func TestSessionAuthorizer(t *testing.T) {
	for _, check := range []string{"session", "revocations"} {
		t.Run(check, func(t *testing.T) { testSessionAuthorizer(t, check) })
	}
}

func testSessionAuthorizer(t *testing.T, check string) {
	p := open(t)
	s := p.stack(t, "money-"+check)
	s.mustPut(p.template, s.parameters("SessionCheck="+check)...)
	s.mustCommand(password, "user add "+ada+" --roles demo")
	c := s.client()
	if err := c.login(t.Context(), ada, password); err != nil {
		t.Fatal(err)
	}
	whoami := s.attach("session-http-api")
	money := strings.TrimSuffix(whoami, "/whoami") + "/money"
	ask := func(what, method, url, access string, status int) {
		t.Helper()
		got, err := c.send(t.Context(), method, url, nil, access)
		if err != nil {
			t.Fatal(err)
		}
		if got.status != status {
			t.Errorf("%s: %s %s: %d %v, want %d", what, method, url, got.status, got.body, status)
		}
	}
	ask("no token", http.MethodPost, money, "", http.StatusUnauthorized)
	ask("an altered token", http.MethodPost, money, c.access[:len(c.access)-8]+"AAAAAAAA", http.StatusForbidden)
	ask("a live session", http.MethodPost, money, c.access, http.StatusOK)
	if _, err := c.expect(t.Context(), http.StatusOK, "", http.MethodPost, "/auth/logout", object{"refresh_token": c.refresh}, ""); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); check == "revocations" && time.Since(begin) < time.Minute; time.Sleep(time.Second) {
		if got, err := c.send(t.Context(), http.MethodPost, money, nil, c.access); err != nil || got.status != http.StatusOK {
			break
		}
	}
	ask("after the logout", http.MethodPost, money, c.access, http.StatusForbidden)
	ask("after the logout", http.MethodGet, whoami, c.access, http.StatusOK)
}
