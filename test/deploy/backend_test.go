package deploy_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/internal/claim"
)

// backend is an HTTP server to which a gateway forwards requests.
type backend struct {
	url string // https://localhost:port

	mu   sync.Mutex
	seen []*http.Request
}

// backend starts a backend, which the emulator trusts. It stops at the end of the test.
func (s *stack) backend() *backend {
	s.t.Helper()
	certificate, err := tls.LoadX509KeyPair(s.cloud.authority, s.cloud.key)
	if err != nil {
		s.t.Fatal(err)
	}
	b := new(backend)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.seen = append(b.seen, r)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"path":%q}`, r.URL.Path)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	s.t.Cleanup(server.Close)
	b.url = "https://" + net.JoinHostPort("localhost", strconv.Itoa(server.Listener.Addr().(*net.TCPAddr).Port))
	return b
}

// taken returns the requests since the last call.
func (b *backend) taken() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.seen
	b.seen = nil
	return seen
}

// TestIdentityHeaders calls an HTTP server behind the gateway, which gets the identity in headers.
// The server must get the caller's identity, and no request whose client sent such a header.
func TestIdentityHeaders(t *testing.T) {
	p := open(t)
	s := p.stack(t, "headers")
	s.mustPut(p.template, s.parameters()...)
	const grace = "grace@example.com"
	s.mustCommand(password, "user add "+ada+" --roles demo,other")
	s.mustCommand(password, "user add "+grace) // the context has no key for roles
	b := s.backend()
	url := s.attach("http-proxy", "BackendUrl="+b.url)

	for email, more := range map[string]map[string]string{ada: {claim.Roles: "demo other"}, grace: {}} {
		c := s.client()
		if err := c.login(t.Context(), email, password); err != nil {
			t.Fatal(err)
		}
		want := contextOf(t, c.claims())
		maps.Copy(want, more)
		send := func(what string, status int, access string, header ...string) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if access != "" {
				r.Header.Set("Authorization", "Bearer "+access)
			}
			for i := 0; i < len(header); i += 2 {
				r.Header[header[i]] = []string{header[i+1]} // in this spelling
			}
			got, err := c.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = got.Body.Close()
			seen := b.taken()
			if got.StatusCode != status || len(seen) > 0 != (status == http.StatusOK) {
				t.Errorf("%s, %s: answered %d, want %d, and %d requests came through", email, what, got.StatusCode, status, len(seen))
			}
			for _, r := range seen {
				if told := identityIn(r.Header); !maps.Equal(told, want) || r.URL.Path != "/whoami" {
					t.Errorf("%s, %s: %s got %v\nwant %v", email, what, r.URL.Path, told, want)
				}
			}
		}
		send("no identity header", http.StatusOK, c.access)
		send("no token", http.StatusUnauthorized, "")
		send("no token and a forged header", http.StatusUnauthorized, "", "X-Edgeauth-Sub", "root")
		send("an altered token", http.StatusForbidden, c.access[:len(c.access)-8]+"AAAAAAAA", "X-Edgeauth-Sub", "root")
		for _, name := range []string{
			"X-Edgeauth-Sub", "X-Edgeauth-Roles", "X-Edgeauth-Scope", "x-edgeauth-roles", "X-EDGEAUTH-SCOPE",
			"X_Edgeauth_Sub", "x_edgeauth_roles", "X-Edgeauth_Scope", "X.Edgeauth.Roles", "X-Edgeauth-Tenant",
		} {
			send(name, http.StatusForbidden, c.access, name, "admin")
		}
		send("two of them", http.StatusForbidden, c.access, "X-Edgeauth-Sub", "root", "X-Edgeauth-Roles", "admin")
		send("another header", http.StatusOK, c.access, "X-Tenant", "acme")
	}
}

// contextOf returns the claims that every context has, as text. token is the JSON of a token's claims.
func contextOf(t *testing.T, token string) map[string]string {
	t.Helper()
	var claims map[string]json.RawMessage
	if err := json.Unmarshal([]byte(token), &claims); err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, name := range []string{claim.Subject, claim.SessionID, claim.TokenVersion, claim.ClientID, claim.AuthTime, claim.Expires} {
		told[name] = strings.Trim(string(claims[name]), `"`)
	}
	return told
}

// identityIn returns the values of the identity headers by the claim. A header of another spelling,
// or with several values, is under its own name.
func identityIn(h http.Header) map[string]string {
	told := map[string]string{}
	for name, values := range h {
		if key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, claim.HeaderPrefix), "-", "_")); claim.IsHeader(name) {
			if len(values) != 1 || http.CanonicalHeaderKey(claim.Header(key)) != name {
				key = name
			}
			told[key] = strings.Join(values, "|")
		}
	}
	return told
}
