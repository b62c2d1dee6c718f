package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/test/document"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// permissions records which actions the requests to an engine need, by table.
type permissions struct {
	fault.Transport
	mu  sync.Mutex
	all map[string]map[string]bool
}

func (p *permissions) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	type named struct{ TableName string }
	var in struct {
		named
		TransactItems []map[string]named
		RequestItems  map[string]json.RawMessage
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	p.need(in.TableName, action)
	for _, item := range in.TransactItems {
		for kind, of := range item {
			p.need(of.TableName, strings.TrimSuffix(kind, "Item")+"Item") // ConditionCheck, Delete, Put or Update
		}
	}
	for table := range in.RequestItems {
		p.need(table, action)
	}
	return p.Transport.RoundTrip(r)
}

func (p *permissions) need(table, action string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if table == "" {
		return
	}
	if p.all == nil {
		p.all = map[string]map[string]bool{}
	}
	if p.all[table] == nil {
		p.all[table] = map[string]bool{}
	}
	p.all[table][action] = true
}

// taken returns what was needed on a table since the last call.
func (p *permissions) taken(table string) (actions []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for action := range p.all[table] {
		actions = append(actions, action)
	}
	delete(p.all, table)
	slices.Sort(actions)
	return actions
}

// sessionsOfAStack returns a stack with tables in a real engine, and its stores. The permissions
// record and fail requests to the engine.
func sessionsOfAStack(t *testing.T) (*deployedStack, *permissions, backend.Stores) {
	t.Helper()
	e := engine.Dynoxide(t)
	d := deploy(t)
	at, err := url.Parse(e.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &permissions{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Transport: p, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }})
	t.Cleanup(proxy.Close)
	for name, value := range map[string]string{
		config.DynamoDBEndpoint: proxy.URL, config.Store: "dynamodb",
		config.UsersTable: d.outputs["UsersTable"], config.SessionsTable: d.outputs["SessionsTable"], config.AttemptsTable: d.outputs["AttemptsTable"],
	} {
		t.Setenv(name, value)
	}
	done(t, "", "tables", "create", "--store", "dynamodb")
	environment := config.Process()
	stores, err := backend.OpenStores(environment.Store())
	if err != nil {
		t.Fatal(err)
	}
	return d, p, stores
}

// TestPermissions runs each command of the table in docs/operations.md on a stack, and compares the
// table with the requests that reach DynamoDB.
func TestPermissions(t *testing.T) {
	d, p, stores := sessionsOfAStack(t)
	tables := document.Read(t, "operations.md").Tables("command")
	if len(tables) != 1 || len(tables[0].Rows) < 9 {
		t.Fatalf("docs/operations.md has %d tables of commands", len(tables))
	}
	// No command of the table needs another ring.
	login, err := keyrings.Ring{Kind: keyrings.LoginRing}.Move(keyrings.Move{Version: 1, Stack: "arn:of:this:stack"}, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d.put("LoginSecret", login)
	for _, row := range tables[0].Rows {
		done(t, `{"subject":"a","email":"ada@example.com"}`, "user", "import", "-", "--store", "dynamodb")
		sid := opened(t, stores, "a", 0, asOpened)[0]
		line, in := strings.Fields(strings.NewReplacer("WHO", "ada@example.com", "EMAIL", "bob@example.com").Replace(row["command"])), ""
		stack := []string{"--store", "stack:auth"}
		switch strings.Join(line[:2], " ") {
		case "session end":
			stack = append(stack, "--", sid) // an id may begin with a dash
		case "user passwd", "user add":
			in = "battery staple"
		case "user delete":
			line = append(line, "--yes")
		}
		switch line[len(line)-1] {
		case "--active-since":
			line = append(line, "1h")
		case "--all-users":
			line = append(line, "--yes")
		}
		p.taken(d.outputs["UsersTable"])
		p.taken(d.outputs["SessionsTable"])
		p.taken(d.outputs["AttemptsTable"])
		done(t, in, append(line, stack...)...)
		for column, output := range map[string]string{"users table": "UsersTable", "sessions table": "SessionsTable", "attempts table": "AttemptsTable"} {
			always, _, _ := strings.Cut(row[column], ";")
			want := regexp.MustCompile(`[A-Z][A-Za-z]+`).FindAllString(always, -1)
			slices.Sort(want)
			if got := p.taken(d.outputs[output]); !slices.Equal(got, want) {
				t.Errorf("%s needs %q on the %s, and the page says %q", row["command"], got, column, want)
			}
		}
	}
}

// TestEndAllWhileThrottled ends the sessions of all users of a stack that refuses writes because of
// load for longer than the client of DynamoDB tries.
func TestEndAllWhileThrottled(t *testing.T) {
	_, p, stores := sessionsOfAStack(t)
	var users strings.Builder
	for _, id := range []string{"a", "b", "c"} {
		users.WriteString(`{"subject":"` + id + `","email":""}` + "\n")
	}
	done(t, users.String(), "user", "import", "-", "--store", "dynamodb")
	for _, id := range []auth.SubjectID{"a", "b", "c"} {
		opened(t, stores, id, 0, asOpened)
	}
	p.Fail("TransactWriteItems", 12, fault.Throttled)
	p.Calls()
	r := edgeauth(t, "", "session", "end-all", "--all-users", "--yes", "--workers", "1", "--store", "stack:auth")
	got, others := audited(t, r.err)
	if r.status != exitDone || others != "" || r.out != "all sessions ended of 3 users\n" {
		t.Errorf("exit %d, %s%s", r.status, r.out, others)
	}
	// An attempt that DynamoDB did not confirm also has a line.
	ends := slices.DeleteFunc(slices.Clone(got), func(line string) bool {
		return strings.HasPrefix(line, "WARN authn_token_revoke_fail throttled admin ")
	})
	if len(ends) != 3 || len(got) == len(ends) {
		t.Errorf("lines: %q", got)
	}
	if calls := p.Calls()["TransactWriteItems"]; calls != 15 {
		t.Errorf("%d transactions, want 12 that fail and 3", calls)
	}
	if text := done(t, "", "session", "list", "--active-since", "1h", "--json", "--store", "stack:auth"); strings.Count(text, `"subject_superseded"`) != 3 {
		t.Error(text)
	}
}

// TestListOfAStack: a list uses the parameter SessionsNotBefore of the stack.
func TestListOfAStack(t *testing.T) {
	d, _, stores := sessionsOfAStack(t)
	done(t, `{"subject":"a","email":"ada@example.com"}`, "user", "import", "-", "--store", "dynamodb")
	opened(t, stores, "a", time.Minute, asOpened)
	list := func() []string {
		return states(t, done(t, "", "session", "list", "a", "--ended", "--json", "--store", "stack:auth"))
	}
	if got := list(); len(got) != 1 || !strings.HasSuffix(got[0], " open") {
		t.Errorf("%q", got)
	}
	d.parameters["SessionsNotBefore"] = time.Now().UTC().Format(time.RFC3339)
	if got := list(); len(got) != 1 || !strings.HasSuffix(got[0], " "+string(session.OutcomeNotBefore)) {
		t.Errorf("with SessionsNotBefore: %q", got)
	}
}
