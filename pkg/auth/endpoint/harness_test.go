package endpoint_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	issuer      = "https://auth.example.com"
	email       = "ada@example.com"
	secret      = "correct horse"
	subject     = auth.SubjectID("1b671a64-40d5-491e-99b0-da01ff1f3341")
	idleTimeout = 14 * 24 * time.Hour
	absolute    = 20 * 24 * time.Hour
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// house is the whole service behind the endpoints, on a store in a file, with a clock and faults that a test drives.
type house struct {
	*service.Service
	handlers map[string]http.Handler // by path
	sessions *faultySessions
	users    *faultyUsers
	signing  *faultyRing
	now      time.Time
	log      bytes.Buffer
	last     outcome // of the last request
	path     string  // of the store's file
}

type faultySessions struct {
	session.Store
	fail error // before a call takes effect
	lose error // after a write did
}

func (f *faultySessions) Create(ctx context.Context, s session.Session) error {
	if f.fail != nil {
		return f.fail
	}
	if err := f.Store.Create(ctx, s); err != nil {
		return err
	}
	return f.lose
}

func (f *faultySessions) Get(ctx context.Context, key session.Key) (session.Session, error) {
	if f.fail != nil {
		return session.Session{}, f.fail
	}
	return f.Store.Get(ctx, key)
}

func (f *faultySessions) Update(ctx context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	if f.fail != nil {
		return nil, false, f.fail
	}
	before, done, err := f.Store.Update(ctx, key, u)
	if err == nil && f.lose != nil {
		return nil, false, f.lose
	}
	return before, done, err
}

type faultyUsers struct {
	user.Store
	fail error
}

func (f *faultyUsers) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	if f.fail != nil {
		return user.User{}, f.fail
	}
	return f.Store.Get(ctx, id)
}

type faultyRing struct {
	keyring.Source
	fail error
}

func (f *faultyRing) Load(ctx context.Context) (auth.Secret, error) {
	if f.fail != nil {
		return auth.Secret{}, f.fail
	}
	return f.Source.Load(ctx)
}

// made holds what is dear to make: every house has the same keys and the same hash.
var made = sync.OnceValue(func() (m struct {
	signing, refresh, login keyring.Source
	hash                    auth.Secret
}) {
	signing, err1 := keyring.NewSigningRing(token.EdDSA, noon, rand.Reader)
	refresh, err2 := keyring.NewRefreshRing(noon, rand.Reader)
	logins, err3 := keyring.NewLoginRing(noon, rand.Reader)
	signingText, err4 := signing.Text()
	refreshText, err5 := refresh.Text()
	loginText, err6 := logins.Text()
	hash, err7 := password.Hasher{}.Hash(auth.NewSecret(secret))
	for _, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
		if err != nil {
			panic(err)
		}
	}
	m.signing, m.refresh, m.login = keyring.Inline(signingText), keyring.Inline(refreshText), keyring.Inline(loginText)
	m.hash = hash
	return m
})

// newHouse returns a house with one user. Each change is made to the settings before the service is.
func newHouse(t testing.TB, changes ...func(*service.Settings)) *house {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	stores, err := service.OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{
		path:     path,
		sessions: &faultySessions{Store: stores.Sessions},
		users:    &faultyUsers{Store: stores.Users},
		signing:  &faultyRing{Source: made().signing},
		now:      noon,
	}
	h.addUser(t, user.User{ID: subject, Email: email, Roles: []string{"admin"}})
	settings := service.Settings{
		Issuer: issuer, Audience: []string{"https://api.example.com"},
		SigningRing: h.signing, RefreshKeys: made().refresh, LoginRing: made().login, KeyVersion: 1,
		Stores: service.Stores{Users: h.users, Sessions: h.sessions, Attempts: stores.Attempts}, AccessTokenLifetime: 15 * time.Minute,
		Client: auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, Scope: []string{"read", "write"},
			IdleTimeout: idleTimeout, AbsoluteTimeout: absolute},
		Log: &h.log, Now: func() time.Time { return h.now },
	}
	for _, change := range changes {
		change(&settings)
	}
	if h.Service, err = service.New(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	h.handlers = make(map[string]http.Handler)
	for _, row := range route.Table() {
		if row.Function != "discovery" { // which has tests of its own
			h.replace(t, row.Path())(h.Handler(row.Function))
		}
	}
	return h
}

// replace puts another handler behind one path.
func (h *house) replace(t testing.TB, path string) func(http.Handler, error) {
	return func(handler http.Handler, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		h.handlers[path] = handler
	}
}

func (h *house) addUser(t testing.TB, u user.User) {
	t.Helper()
	u.Password, u.Revision, u.CreatedAt = made().hash, 1, noon
	if err := h.users.Create(t.Context(), u, string(u.ID)); err != nil {
		t.Fatal(err)
	}
}

// changeUser carries a change of the user out as an operator's command does.
func (h *house) changeUser(t testing.TB, change func(*user.User)) {
	t.Helper()
	u, err := h.users.Get(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	change(&u)
	if err := h.users.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// answer is what came back, as text: the status, the headers beside the three that every answer has, and the body
// without the request's id.
type answer struct {
	status     int
	text, body string
	line       string // of the audit log: event, outcome and reason
}

// tokens reads a 200. There is no refresh token where the client is to keep the one that it has.
func (a answer) tokens(t testing.TB) (access, refresh string) {
	t.Helper()
	var body struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != http.StatusOK || body.Access == "" {
		t.Fatalf("no tokens: %s", a.text)
	}
	return body.Access, body.Refresh
}

// send sends a request as text: a line with method and target, the headers, an empty line and the body. It holds what
// is true of every answer: the three headers, an object of JSON, and one audit line without anybody's secret. An
// error and the audit line have the request's id.
func (h *house) send(t testing.TB, raw string) answer {
	t.Helper()
	head, body, _ := strings.Cut(raw, "\n\n")
	lines := strings.Split(head, "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return h.serve(t, r)
}

func (h *house) serve(t testing.TB, r *http.Request) answer {
	t.Helper()
	path := "/auth/login"
	for route := range h.handlers {
		if strings.HasPrefix(r.URL.Path, route) {
			path = route
		}
	}
	if r.Header.Get("X-Request-Id") == "" {
		r.Header.Set("X-Request-Id", "r1")
	}
	id := r.Header.Get("X-Request-Id")
	w := httptest.NewRecorder()
	h.log.Reset()
	h.handlers[path].ServeHTTP(w, r)
	isDocumented(t, "POST "+path, w)
	h.last = outcomeOf(w)

	header := w.Header()
	body, hasID := strings.CutSuffix(w.Body.String(), `,"request_id":"`+id+"\"}\n")
	if hasID {
		body += "}"
	}
	if hasID != (w.Code != http.StatusOK) {
		t.Errorf("the request is %s, and the answer %d %s", id, w.Code, w.Body)
	}
	a := answer{status: w.Code, text: fmt.Sprint(w.Code), body: strings.TrimSuffix(body, "\n")}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		switch name {
		case "Content-Type", "Cache-Control", "Pragma":
		default:
			a.text += " " + name + ": " + strings.Join(header[name], ", ")
		}
	}
	a.text += " " + a.body
	if header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" || header.Get("Pragma") != "no-cache" {
		t.Errorf("headers %v", header)
	}
	var object map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &object); err != nil {
		t.Errorf("the body %q is no object of JSON: %v", w.Body, err)
	}
	decided := r.URL.Path == path && r.Method == http.MethodPost
	a.line = h.audited(t, decided, id, object)
	return a
}

// audited returns the audit line of a decision in short, and holds that there is no other and no secret in it.
func (h *house) audited(t testing.TB, decided bool, id string, answered map[string]any) string {
	t.Helper()
	text := h.log.String()
	if !decided {
		if text != "" {
			t.Errorf("nothing was decided, but logged: %s", text)
		}
		return ""
	}
	if strings.Count(text, "\n") != 1 {
		t.Fatalf("one decision, logged as %q", text)
	}
	for _, hidden := range []any{"@", secret, "ert_", "edt_", "ect_Q", answered["access_token"], answered["refresh_token"]} {
		if hidden != nil && strings.Contains(text, hidden.(string)) {
			t.Errorf("the log shows %v: %s", hidden, text)
		}
	}
	var line struct {
		Event, Outcome, Reason string
		RequestID              string `json:"request_id"`
	}
	if err := json.Unmarshal(h.log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.RequestID != id {
		t.Errorf("the request is %s, and the line %s", id, text)
	}
	return strings.TrimSpace(strings.Join([]string{line.Event, line.Outcome, line.Reason}, " "))
}

// The heads of requests.
const (
	loginJSON   = "POST /auth/login\nContent-Type: application/json\n\n"
	refreshJSON = "POST /auth/refresh\nContent-Type: application/json\n\n"
	refreshForm = "POST /auth/refresh\nContent-Type: application/x-www-form-urlencoded\n\n"

	credentials = `{"email":"` + email + `","password":"` + secret + `"}`
)

// login returns the tokens of a new session.
func (h *house) login(t testing.TB) (access, refresh string) {
	t.Helper()
	return h.send(t, loginJSON+credentials).tokens(t)
}

func formOf(refreshToken, more string) string {
	return refreshForm + "grant_type=refresh_token&refresh_token=" + refreshToken + more
}

func (h *house) claims(t testing.TB, access string) token.Claims {
	t.Helper()
	keys, err := h.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, Keys: keys, Now: func() time.Time { return h.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(t.Context(), access)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
