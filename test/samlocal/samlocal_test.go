package samlocal

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/engine"
)

// run is one build with its state. The tests share it, because building and starting an engine
// takes longer than the tests.
type run struct {
	Project
	State
	port     int
	recorder *recorder
	tokens   tokens // of the run's user
}

func TestSAM(t *testing.T) {
	arch := os.Getenv("EDGEAUTH_SAM_ARCH")
	if arch == "" && os.Getenv("CI") == "true" {
		t.Skip("it is a run of its own: make sam-test")
	} else if arch == "" {
		engine.LeaveOut(t, "a run in containers", "make sam-test")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Project: Project{Root: root, Arch: arch, Work: t.TempDir()}, port: freePort(t)}
	if err := r.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	endpoint := engine.DynamoDBLocal(t).Endpoint
	r.recorder = record(t, endpoint)
	if r.State, err = r.Prepare(t.Context(), r.url(), endpoint, r.recorder.ways); err != nil {
		t.Fatal(err)
	}
	t.Run("build", r.build)
	t.Run("invoke", r.invoke)
	t.Run("api", r.api)
	t.Run("roles", r.roles) // last: it examines what the functions did in the other tests
	t.Run("attached to an HTTP API", r.httpAPI)
	// SAM CLI answers 502 to the error that makes the real gateway answer 401.
	t.Run("attached to a REST API, TOKEN", r.rest("rest-token.yaml", "unauthorized", http.StatusBadGateway))
	t.Run("attached to a REST API, TOKEN, deny", r.rest("rest-token.yaml", "deny", http.StatusForbidden))
	t.Run("attached to a REST API, REQUEST", r.rest("rest-request.yaml", "unauthorized", http.StatusBadGateway))
	t.Run("attached to a REST API, REQUEST, deny", r.rest("rest-request.yaml", "deny", http.StatusForbidden))
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// TestCheckPort: a port in use is reported before anything starts, with a remedy.
func TestCheckPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	var inUse *PortInUseError
	if err := CheckPort(port); !errors.As(err, &inUse) || !strings.Contains(err.Error(), "make sam-local PORT=") {
		t.Errorf("CheckPort of a port in use: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := CheckPort(port); err != nil {
		t.Error(err)
	}
}

// build checks the binary of every function.
func (r *run) build(t *testing.T) {
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[r.Arch]
	for _, f := range functions {
		path := filepath.Join(r.BuildFolder(), f, "bootstrap")
		program, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if program.Machine != machine {
			t.Errorf("%s is for %v, want %v", f, program.Machine, machine)
		}
		if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
			t.Errorf("%s needs libraries: %v, %v", f, libraries, err)
		}
		_ = program.Close()
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		folder := strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(strings.TrimSuffix(f, "Function"), "$1-$2"))
		want := "github.com/edgeauth/edgeauth/functions/" + folder
		if info.Path != want {
			t.Errorf("%s is %s, want %s", f, info.Path, want)
		}
	}
}

const origin = "https://app.example.com"

// api runs a client's session: log in, use the API, refresh, be refused.
func (r *run) api(t *testing.T) {
	c, server := r.serve(t, "me.yaml", map[string]string{"Origins": origin})

	c.postJSON("/auth/login", `{"email":"`+Email+`","password":"not this one"}`).want(t, http.StatusUnauthorized, "invalid_credentials")
	login := c.postJSON("/auth/login", r.credentials())
	first := login.tokens(t)

	// Test this first: if SAM CLI cannot resolve an authorizer, it serves the route without one.
	c.get("/me").want(t, http.StatusUnauthorized)
	c.get("/me", "Authorization", "Bearer "+tampered(first.Access)).want(t, http.StatusForbidden)
	c.get("/me", "Authorization", "Basic ZGVtbzpkZW1v").want(t, http.StatusForbidden)
	c.get("/me", "Authorization", "Bearer "+first.Access).want(t, http.StatusOK, `"roles":"demo"`, `"client_id":"default"`)

	second := c.postForm("/auth/refresh", "grant_type=refresh_token&refresh_token="+first.Refresh).tokens(t)
	if second.Refresh == first.Refresh {
		t.Error("the refresh token did not rotate")
	}
	c.get("/me", "Authorization", "Bearer "+second.Access).want(t, http.StatusOK)
	c.postJSON("/auth/refresh", `{"refresh_token":"`+second.Refresh+`"}`).want(t, http.StatusOK)
	c.postJSON("/auth/refresh", `{"refresh_token":"`+tampered(second.Refresh)+`"}`).want(t, http.StatusBadRequest, "invalid_grant", `"terminal":true`)

	c.postForm("/auth/refresh", "grant_type=refresh_token&scope=admin&refresh_token="+second.Refresh).want(t, http.StatusBadRequest, "invalid_scope")

	const next = "battery staple of the demo"
	c.get("/.well-known/openid-configuration").want(t, http.StatusOK, `"token_endpoint":`, "/auth/refresh")
	changed := c.postJSON("/auth/password", `{"current_password":"`+r.Password.Reveal()+`","new_password":"`+next+`"}`,
		"Authorization", "Bearer "+second.Access).tokens(t)
	c.postJSON("/auth/refresh", `{"refresh_token":"`+second.Refresh+`"}`).want(t, http.StatusBadRequest, "invalid_grant")
	back := c.postJSON("/auth/password", `{"current_password":"`+next+`","new_password":"`+r.Password.Reveal()+`"}`,
		"Authorization", "Bearer "+changed.Access).tokens(t)
	back = c.postJSON("/auth/reauth", `{"password":"`+r.Password.Reveal()+`"}`, "Authorization", "Bearer "+back.Access).tokens(t)
	c.postJSON("/auth/code", `{"email":"nobody@example.com","purpose":"login"}`).want(t, http.StatusAccepted, `"auth_session":"eas_`)
	// The path /money is behind the session authorizer.
	money := func(access string) answer {
		return c.call(http.MethodPost, "/money", "", "Authorization", "Bearer "+access)
	}
	c.call(http.MethodPost, "/money", "").want(t, http.StatusUnauthorized)
	money(tampered(back.Access)).want(t, http.StatusForbidden)
	money(second.Access).want(t, http.StatusForbidden)
	money(back.Access).want(t, http.StatusOK, `"roles":"demo"`)
	// The function of the list of sessions verifies the access token, and reads and writes both tables.
	bearer := []string{"Authorization", "Bearer " + back.Access}
	c.get("/auth/sessions").want(t, http.StatusUnauthorized, "an access token is required")
	c.get("/auth/sessions", "Authorization", "Bearer "+tampered(back.Access)).want(t, http.StatusUnauthorized, "invalid_token")
	c.get("/auth/sessions", bearer...).want(t, http.StatusOK, `"current":true`)
	c.call(http.MethodDelete, "/auth/sessions", "", bearer...).want(t, http.StatusOK)
	c.get("/auth/sessions", bearer...).want(t, http.StatusUnauthorized, "invalid_token")
	back = c.postForm("/auth/refresh", "grant_type=refresh_token&refresh_token="+back.Refresh).tokens(t)
	c.postForm("/auth/logout", "token="+back.Refresh).want(t, http.StatusOK)
	money(back.Access).want(t, http.StatusForbidden)
	c.get("/me", "Authorization", "Bearer "+back.Access).want(t, http.StatusOK)
	c.postForm("/auth/refresh", "grant_type=refresh_token&refresh_token="+back.Refresh).want(t, http.StatusBadRequest, "invalid_grant")

	preflight := c.call(http.MethodOptions, "/auth/login", "",
		"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	if got := preflight.header.Get("Access-Control-Allow-Origin"); got != origin || preflight.status >= 300 {
		t.Errorf("preflight: status %d, origin %q", preflight.status, got)
	}

	for what, secret := range map[string]string{
		"an access token": first.Access, "a refresh token": first.Refresh, "the rotated refresh token": second.Refresh,
		"the password": r.Password.Reveal(), "the e-mail": Email,
	} {
		if strings.Contains(server.Log(), secret) {
			t.Errorf("the logs hold %s", what)
		}
	}
}

func (r *run) url() string { return "http://127.0.0.1:" + strconv.Itoa(r.port) }

func (r *run) credentials() string {
	return `{"email":"` + Email + `","password":"` + r.Password.Reveal() + `"}`
}

// tampered returns a token with another character in its middle.
func tampered(token string) string {
	b := []byte(token)
	i := len(b) / 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// serve serves the template, with other added, until the test ends.
func (r *run) serve(t *testing.T, other string, parameters map[string]string) (client, *Server) {
	t.Helper()
	path, err := filepath.Abs(other)
	if err != nil {
		t.Fatal(err)
	}
	template, err := r.Compose(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	server, err := r.Serve(context.WithoutCancel(t.Context()), template, r.State, r.port, parameters)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop()
		if t.Failed() {
			t.Log(server.Log())
		}
	})
	return client{t, r.url()}, server
}

// invoke calls every function with its prepared events: once with the placeholders and once with
// real values.
func (r *run) invoke(t *testing.T) {
	template := filepath.Join(r.BuildFolder(), "template.yaml")
	call := func(t *testing.T, function, file, old, new string) []byte {
		t.Helper()
		event, err := os.ReadFile(filepath.Join(r.Root, "events", file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(event, []byte(old)) {
			t.Fatalf("%s is not in %s", old, file)
		}
		if new != "" {
			event = bytes.ReplaceAll(event, []byte(old), []byte(new))
		}
		got, err := r.Invoke(t.Context(), template, r.State, function, bytes.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := func(t *testing.T, got []byte, texts ...string) {
		t.Helper()
		var compact bytes.Buffer // SAM CLI reformats the answer with spaces
		if err := json.Compact(&compact, got); err != nil {
			t.Fatalf("%v in %s", err, got)
		}
		for _, text := range texts {
			if !bytes.Contains(compact.Bytes(), []byte(text)) {
				t.Errorf("the answer is %s, want %s in it", &compact, text)
			}
		}
	}
	want(t, call(t, "LoginFunction", "login.json", "PASSWORD", ""), `"statusCode":401`)
	login := call(t, "LoginFunction", "login.json", "PASSWORD", r.Password.Reveal())
	want(t, login, `"statusCode":200`)
	r.tokens = tokensOf(t, login)

	want(t, call(t, "RefreshFunction", "refresh.json", "REFRESH_TOKEN", ""), `"statusCode":400`)
	want(t, call(t, "RefreshFunction", "refresh.json", "REFRESH_TOKEN", r.tokens.Refresh), `"statusCode":200`)

	want(t, call(t, "AccountFunction", "account.json", "ACCESS_TOKEN", ""), `"statusCode":401`)
	want(t, call(t, "SessionsFunction", "logout.json", "REFRESH_TOKEN", ""), `"statusCode":200`)
	want(t, call(t, "DiscoveryFunction", "discovery.json", "jwks.json", ""), `"statusCode":200`, "keys")

	const no, yes = `{"isAuthorized":false}`, `"isAuthorized":true`
	want(t, call(t, "AuthorizerFunction", "authorizer-http-api.json", "ACCESS_TOKEN", ""), no)
	want(t, call(t, "AuthorizerFunction", "authorizer-http-api.json", "ACCESS_TOKEN", r.tokens.Access), yes, `"roles":"demo"`)
	want(t, call(t, "SessionAuthorizerFunction", "authorizer-http-api.json", "ACCESS_TOKEN", ""), no)
	want(t, call(t, "SessionAuthorizerFunction", "authorizer-http-api.json", "ACCESS_TOKEN", r.tokens.Access), yes, `"roles":"demo"`)
	for _, event := range []string{"authorizer-rest-token.json", "authorizer-rest-request.json"} {
		for _, function := range []string{"AuthorizerFunction", "SessionAuthorizerFunction"} {
			want(t, call(t, function, event, "ACCESS_TOKEN", ""), `"errorMessage":"Unauthorized"`)
			want(t, call(t, function, event, "ACCESS_TOKEN", r.tokens.Access), `"Effect":"Allow"`,
				`"Resource":"arn:aws:execute-api:eu-central-1:123456789012:f6g7h8i9j0/prod/*"`)
		}
	}
}

// roles compares each function's role with what the function did in the tests before.
func (r *run) roles(t *testing.T) {
	template, err := r.Read(t.Context(), filepath.Join(r.Root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	allowed, did := granted(t, template), r.recorder.accesses()
	if len(did) == 0 {
		t.Error("no function reached a table")
	}
	for a := range did {
		if !allowed[a] {
			t.Errorf("%s did %s with %s, which its role does not allow", a.function, a.action, a.table)
		}
	}
	rare := []access{
		// A login writes a user only if it replaces the hash of the password.
		{"LoginFunction", "dynamodb:UpdateItem", "UsersTable"},
		// No client of these tests has a limit of sessions, so no login ends another session.
		{"LoginFunction", "dynamodb:GetItem", "SessionsTable"},
		{"LoginFunction", "dynamodb:Query", "SessionsTable"},
		{"LoginFunction", "dynamodb:UpdateItem", "SessionsTable"},
		{"AccountFunction", "dynamodb:Query", "SessionsTable"},
		// No mail is sent here, so no user signs up.
		{"AccountFunction", "dynamodb:PutItem", "UsersTable"},
		// The idle end of an opaque session moves a minute after its last use at the earliest.
		{"SessionAuthorizerFunction", "dynamodb:UpdateItem", "SessionsTable"},
	}
	for a := range allowed {
		if !did[a] && !slices.Contains(rare, a) {
			t.Errorf("%s is allowed to do %s with %s, but never did it", a.function, a.action, a.table)
		}
	}
}

// The ARNs that an API in the account would use. SAM CLI finds a function by the name in its ARN.
const (
	authorizer        = "arn:aws:lambda:us-east-1:123456789012:function:AuthorizerFunction:live"
	sessionAuthorizer = "arn:aws:lambda:us-east-1:123456789012:function:SessionAuthorizerFunction:live"
)

func (r *run) httpAPI(t *testing.T) {
	c, _ := r.serve(t, "../../examples/session-http-api.yaml", map[string]string{"AuthorizerArn": authorizer, "SessionAuthorizerArn": sessionAuthorizer})
	c.get("/whoami").want(t, http.StatusUnauthorized)
	c.get("/whoami", "Authorization", "Bearer "+tampered(r.tokens.Access)).want(t, http.StatusForbidden)
	c.get("/whoami", "Authorization", "Bearer "+r.tokens.Access).want(t, http.StatusOK, `"roles":"demo"`)
	// The tests before changed the password, which ended the session of this token.
	c.call(http.MethodPost, "/money", "").want(t, http.StatusUnauthorized)
	c.call(http.MethodPost, "/money", "", "Authorization", "Bearer "+r.tokens.Access).want(t, http.StatusForbidden)
}

// rest attaches the authorizer to the REST API of an example. refusal is the parameter RestRefusal.
func (r *run) rest(example, refusal string, status int) func(t *testing.T) {
	return func(t *testing.T) {
		c, _ := r.serve(t, "../../examples/"+example, map[string]string{"AuthorizerArn": authorizer, "RestRefusal": refusal})
		c.get("/whoami").want(t, http.StatusUnauthorized)
		c.get("/whoami", "Authorization", "Bearer "+tampered(r.tokens.Access)).want(t, status)
		c.get("/whoami", "Authorization", "Bearer "+r.tokens.Access).want(t, http.StatusOK, `"roles":"demo"`)
	}
}
