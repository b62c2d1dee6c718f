package endpoint_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/internal/router"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/emf"
)

const (
	namespace   = "edgeauth/test"
	issuer      = "https://auth.example.com"
	email       = "ada@example.com"
	secret      = "correct horse"
	subject     = auth.SubjectID("1b671a64-40d5-491e-99b0-da01ff1f3341")
	idleTimeout = 14 * 24 * time.Hour
	absolute    = 20 * 24 * time.Hour
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// harness is the whole service behind the endpoints, with a store in a file. A test sets its clock
// and faults.
type harness struct {
	*service.Service
	t        testing.TB
	settings service.Settings
	clock    *authtest.Clock
	hasher   interface {
		Hash(auth.Secret) (auth.Secret, error)
	}
	handlers map[string]http.Handler // by path
	routes   *router.Matcher
	sessions *faultySessions
	users    *faultyUsers
	versions *faultyVersions
	signing  *faultyRing
	mails    *inbox
	log      bytes.Buffer
	metrics  map[string]float64 // of the last line of the last request, without dimensions
	last     outcome            // of the last request
}

type faultySessions struct {
	session.Store
	fail error // instead of calling the store
	lose error // after a write has taken effect

	failEnd, loseEnd error // the same for a write that ends a session
	failCreate       error // the same for a new session
	failList         error // the same for a list

	// Tests send requests in parallel.
	calls   atomic.Int64 // of Get and Update
	created atomic.Int64
}

func (f *faultySessions) Create(ctx context.Context, s session.Session) error {
	if fail := cmp.Or(f.fail, f.failCreate); fail != nil {
		return fail
	}
	f.created.Add(1)
	if err := f.Store.Create(ctx, s); err != nil {
		return err
	}
	return f.lose
}

func (f *faultySessions) Get(ctx context.Context, key session.Key) (session.Session, error) {
	f.calls.Add(1)
	if f.fail != nil {
		return session.Session{}, f.fail
	}
	return f.Store.Get(ctx, key)
}

func (f *faultySessions) List(ctx context.Context, of auth.SubjectID, after session.ID, limit int) ([]session.Session, error) {
	if f.failList != nil {
		return nil, f.failList
	}
	return f.Store.List(ctx, of, after, limit)
}

func (f *faultySessions) Update(ctx context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	f.calls.Add(1)
	fail, lose := f.fail, f.lose
	if u.Set.Revocation != nil {
		fail, lose = cmp.Or(fail, f.failEnd), cmp.Or(lose, f.loseEnd)
	}
	if fail != nil {
		return nil, false, fail
	}
	before, done, err := f.Store.Update(ctx, key, u)
	if err == nil && lose != nil {
		return nil, false, lose
	}
	return before, done, err
}

// inbox keeps the messages that were handed over, the newest last.
type inbox struct {
	messages []mail.Message
	fail     error
}

func (x *inbox) Enqueue(_ context.Context, m mail.Message) error {
	if x.fail != nil {
		return x.fail
	}
	x.messages = append(x.messages, m)
	return nil
}

// last returns the newest message.
func (x *inbox) last(t testing.TB) mail.Message {
	t.Helper()
	if len(x.messages) == 0 {
		t.Fatal("no message was handed over")
	}
	return x.messages[len(x.messages)-1]
}

// faultyVersions calls before first, and then can fail or refuse.
type faultyVersions struct {
	session.Versions
	before func()
	fail   error
	refuse bool
}

func (f *faultyVersions) Raise(ctx context.Context, r session.Raise) (bool, error) {
	if f.before != nil {
		f.before()
	}
	if f.fail != nil || f.refuse {
		return false, f.fail
	}
	return f.Versions.Raise(ctx, r)
}

type faultyUsers struct {
	user.Store
	fail  error
	calls atomic.Int64 // of Get
}

func (f *faultyUsers) Get(ctx context.Context, id auth.SubjectID) (user.User, error) {
	f.calls.Add(1)
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

// newHarness returns a harness with one user. The changes are applied to the settings first.
func newHarness(t testing.TB, changes ...func(*service.Settings)) *harness {
	t.Helper()
	h := &harness{t: t, handlers: make(map[string]http.Handler), routes: router.NewMatcher(route.Table()), mails: &inbox{}}
	a := authtest.New(t, authtest.Config{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, Algorithm: token.EdDSA, Start: noon,
		Settings: func(s *service.Settings) {
			s.Client.Scope, s.Client.IdleTimeout, s.Client.AbsoluteTimeout = []string{"read", "write"}, idleTimeout, absolute
			s.Log, s.Metrics, s.Messages = &h.log, namespace, h.mails
			for _, change := range changes {
				change(s)
			}
			h.sessions = &faultySessions{Store: s.Stores.Sessions}
			h.users = &faultyUsers{Store: s.Stores.Users}
			h.signing = &faultyRing{Source: s.SigningRing}
			h.versions = &faultyVersions{Versions: s.Stores.Versions}
			s.Stores.Sessions, s.Stores.Users, s.Stores.Versions, s.SigningRing = h.sessions, h.users, h.versions, h.signing
			h.settings = *s
		},
	})
	h.Service, h.clock, h.hasher = a.Service, a.Clock, a.Users.Hasher
	h.addUser(t, user.User{ID: subject, Email: email, Roles: []string{"admin"}})
	h.mount(t)
	return h
}

// restart builds the service again.
func (h *harness) restart(t testing.TB) {
	t.Helper()
	var err error
	if h.Service, err = service.New(t.Context(), h.settings); err != nil {
		t.Fatal(err)
	}
	h.mount(t)
}

// account returns the handler of the account function for these clients.
func (h *harness) account(clients endpoint.Clients) (http.Handler, error) {
	flows, err := flow.New(flow.Config{
		Store: h.settings.Stores.Flows, Users: &user.Directory{Store: h.users}, Gate: h.Authenticator(), Counters: h.settings.Stores.Counters,
		Keys: h.loginKeys(h.t), Now: h.clock.Now, SignUp: flow.SignUp{Admit: flow.AdmitAll},
	})
	if err != nil {
		return nil, err
	}
	return endpoint.Account(endpoint.AccountConfig{
		Responder: h.Responder(), Login: h.Authenticator(), Access: h.AccessTokens(), Sessions: h.Sessions(), Clients: clients,
		Flows: flows, Messages: h.mails,
	})
}

// loginKeys returns the login keys of the service.
func (h *harness) loginKeys(t testing.TB) *keyring.Login {
	t.Helper()
	keys, err := keyring.LoadLogin(t.Context(), h.settings.LoginRing, h.settings.KeyVersion, h.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// manager returns a session manager with the stores and keys of the service, and with these
// clients.
func (h *harness) manager(t testing.TB, clients endpoint.Clients) *session.Manager {
	t.Helper()
	keys, err := keyring.LoadRefresh(t.Context(), h.settings.RefreshKeys, h.settings.KeyVersion, h.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.NewManager(session.Config{
		Store: h.sessions, Subjects: &user.Directory{Store: h.users}, Keys: keys, Now: h.clock.Now, Clients: clients,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mount installs the service's handlers.
func (h *harness) mount(t testing.TB) {
	t.Helper()
	for _, row := range route.Table() {
		if row.Function != "discovery" { // discovery has its own tests
			h.replace(t, row.Path())(h.Handler(row.Function))
		}
	}
}

// replace replaces the handler of one path.
func (h *harness) replace(t testing.TB, path string) func(http.Handler, error) {
	return func(handler http.Handler, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		h.handlers[path] = handler
	}
}

func (h *harness) addUser(t testing.TB, u user.User) {
	t.Helper()
	hash, err := h.hasher.Hash(auth.NewSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	u.Password, u.Revision, u.CreatedAt = hash, 1, noon
	if err := h.users.Create(t.Context(), u, string(u.ID)); err != nil {
		t.Fatal(err)
	}
}

// changeUser changes the user, as an operator's command does.
func (h *harness) changeUser(t testing.TB, change func(*user.User)) {
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

// answer is an answer as text: the status, the headers except the three that every answer has, and
// the body without the request id.
type answer struct {
	status     int
	sid        string // in a refusal
	text, body string
	cookies    []string // each Set-Cookie
	line       string   // of the audit log: event, outcome and reason
}

// tokens parses a 200. The refresh token is empty if the client keeps its current one.
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

// send sends a request given as text: a line with method and target, the headers, an empty line and
// the body. It checks what every answer must have: the three headers, a JSON object, and one audit
// line without secrets. An error and the audit line have the request id.
func (h *harness) send(t testing.TB, raw string) answer {
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

func (h *harness) serve(t testing.TB, r *http.Request) answer {
	t.Helper()
	path, pattern := "/auth/login", ""
	row, found := h.routes.Find(r)
	if found {
		path = row.Path()
	}
	if decided := found && row.Method() == r.Method; decided {
		pattern = row.Pattern
	}
	if r.Header.Get("X-Request-Id") == "" {
		r.Header.Set("X-Request-Id", "r1")
	}
	id := r.Header.Get("X-Request-Id")
	w := httptest.NewRecorder()
	h.log.Reset()
	h.handlers[path].ServeHTTP(w, r)
	isDocumented(t, pattern, w)
	h.last = outcomeOf(w)

	header := w.Header()
	body, hasID := strings.CutSuffix(w.Body.String(), `,"request_id":"`+id+"\"}\n")
	if hasID {
		body += "}"
	}
	if hasID != (w.Code >= 300) {
		t.Errorf("the request is %s, and the answer %d %s", id, w.Code, w.Body)
	}
	body, sid := withoutSession(w.Code, body)
	a := answer{status: w.Code, sid: sid, cookies: header["Set-Cookie"], text: fmt.Sprint(w.Code), body: strings.TrimSuffix(body, "\n")}
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
	a.line = h.audited(t, pattern != "", id, object)
	return a
}

// inRefusal matches the session's id in the refusal of a refresh.
var inRefusal = regexp.MustCompile(`,"sid":"([\w-]{22})"`)

// withoutSession returns the body of a refusal without the session's id, and the id.
func withoutSession(status int, body string) (rest, sid string) {
	m := inRefusal.FindStringSubmatch(body)
	if m == nil || status == http.StatusOK {
		return body, ""
	}
	return strings.Replace(body, m[0], "", 1), m[1]
}

// otherEnd matches the line of a session that a request about another session has ended.
var otherEnd = regexp.MustCompile(`"reason":"(step_up|evicted)"|"outcome":"logged_out"`)

// measured checks the metrics of the audit line by the rules of CloudWatch, and records them.
func (h *harness) measured(t testing.TB) {
	t.Helper()
	data, problems := emf.Read(bytes.TrimSpace(h.log.Bytes()))
	for _, problem := range problems {
		t.Errorf("%s: %s", problem, &h.log)
	}
	h.metrics = map[string]float64{}
	for _, d := range data {
		if len(d.Dimensions) == 0 {
			h.metrics[d.Name] += d.Sum()
		}
		if d.Namespace != namespace || d.At.Sub(h.clock.Now()).Abs() > time.Minute {
			t.Errorf("a metric of %s at %v: %s", d.Namespace, d.At, &h.log)
		}
	}
}

// audited returns a short form of the audit line, and checks that it is the only line and has no
// secret. Several lines are joined by a comma. They occur for a theft whose session could not be
// ended, for a session that ends because another session replaced it, for a login that ends other
// sessions, and for a logout with the cookies of two sessions.
func (h *harness) audited(t testing.TB, decided bool, id string, answered map[string]any) string {
	t.Helper()
	text := h.log.String()
	if !decided {
		if text != "" {
			t.Errorf("nothing was decided, but logged: %s", text)
		}
		return ""
	}
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	more := strings.Join(lines[1:], "")
	if more != "" && (strings.Contains(lines[0], `"event":"authn_token_reuse"`) || otherEnd.MatchString(lines[1])) {
		h.log.Reset()
		h.log.WriteString(lines[0])
		first := h.audited(t, decided, id, answered)
		h.log.Reset()
		h.log.WriteString(more)
		return first + ", " + h.audited(t, decided, id, answered)
	}
	if len(lines) != 1 {
		t.Fatalf("one decision, logged as %q", text)
	}
	for _, hidden := range []any{"@", secret, "ert_", "edt_", "ect_Q", "eas_", "eyJ", answered["access_token"], answered["refresh_token"]} {
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
	h.measured(t)
	isExplained(t, "outcome", line.Outcome, line.Event)
	isExplained(t, "reason", line.Reason, line.Event)
	return strings.TrimSpace(strings.Join([]string{line.Event, line.Outcome, line.Reason}, " "))
}

// Request lines and headers.
const (
	loginJSON   = "POST /auth/login\nContent-Type: application/json\n\n"
	refreshJSON = "POST /auth/refresh\nContent-Type: application/json\n\n"
	refreshForm = "POST /auth/refresh\nContent-Type: application/x-www-form-urlencoded\n\n"

	credentials = `{"email":"` + email + `","password":"` + secret + `"}`
)

// login opens a session and returns its tokens.
func (h *harness) login(t testing.TB) (access, refresh string) {
	t.Helper()
	return h.send(t, loginJSON+credentials).tokens(t)
}

func formOf(refreshToken, more string) string {
	return refreshForm + "grant_type=refresh_token&refresh_token=" + refreshToken + more
}

func (h *harness) claims(t testing.TB, access string) token.Claims {
	t.Helper()
	keys, err := h.PublicKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, Keys: keys, Now: h.clock.Now,
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
