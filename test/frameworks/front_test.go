package frameworks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/test/engine"
)

// front is edgeauth in front of an API, with the tokens of a user without a role and of an
// administrator.
type front struct{ name, address, user, admin string }

// localServer starts "edgeauth dev --upstream". As an HTTP API does, it decodes the path.
func localServer(t *testing.T, api string) front {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	server := start(t, engine.Program{
		Command: func(port string) []string {
			return []string{
				binary, "dev", "--addr", "127.0.0.1:" + port, "--data", home, "--algorithm", "ES256", "--upstream", "http://" + api, "--config", config,
			}
		},
		Answers: func(address string) error { return answers("http://" + address + "/.well-known/jwks.json") },
	})
	issue := func(roles ...string) string {
		out, err := exec.Command(binary, append([]string{"token", "issue", "--data", home, "--issuer", "http://" + server}, roles...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	return front{"local server", server, issue(), issue("--roles", "admin")}
}

// middleware starts a server with the authorizer's middleware. It forwards the path unchanged.
func middleware(t *testing.T, api string) front {
	t.Helper()
	authority := authtest.New(t, authtest.Config{Algorithm: token.ES256})
	variables := map[string]string{
		"EDGEAUTH_ISSUER": authority.Issuer, "EDGEAUTH_AUDIENCE": strings.Join(authority.Audience, " "), "EDGEAUTH_JWKS": authority.JWKS(), "EDGEAUTH_CONFIG": config,
	}
	a, err := authorizer.FromVariables(func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(&url.URL{Scheme: "http", Host: api}) }}
	server := httptest.NewServer(a.Middleware(proxy))
	t.Cleanup(server.Close)
	admin := func(g *token.Grant) { g.Subject.Roles = []string{"admin"} }
	return front{"middleware", server.Listener.Addr().String(), authority.Token("user"), authority.Token("admin", admin)}
}

// binary is the command line of edgeauth.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "frameworks")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(folder) }()
		binary = filepath.Join(folder, "edgeauth")
		build := exec.Command("go", "build", "-o", binary, "./cmd/edgeauth")
		build.Dir = "../.."
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// start starts a program until the test ends.
func start(t *testing.T, p engine.Program) (address string) {
	t.Helper()
	process, err := engine.Start(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Stop)
	return process.Address
}

// answers returns nil if the URL is served.
func answers(url string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return nil
}
