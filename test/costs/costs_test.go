package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

var update = flag.Bool("update", false, "write the tables into docs/costs.md")

const (
	page  = "../../docs/costs.md"
	begin = "<!-- from here on: make costs -->\n"
)

// TestPage: the page has the tables of the program.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	prose, tables, found := strings.Cut(string(text), begin)
	if !found {
		t.Fatalf("%s has no line %q", page, begin)
	}
	var want bytes.Buffer
	want.WriteString("\n")
	write(&want)
	if *update {
		if err := os.WriteFile(page, []byte(prose+begin+want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if tables != want.String() {
		t.Errorf("%s has other tables than the program prints; make costs writes them", page)
	}
}

// TestCalls counts the requests to DynamoDB that the prices are made of.
// TestAlarms: the page counts the alarms that a stack has by default.
func TestAlarms(t *testing.T) {
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "Type: AWS::CloudWatch::Alarm\n    Condition: HasAlarms\n"); float64(n) != alarmCount.value {
		t.Errorf("template.yaml has %d alarms, and the page counts %v", n, alarmCount.value)
	}
}

func TestCalls(t *testing.T) {
	wire := &fault.Transport{}
	e := engine.DynamoDBLocal(t)
	name := "costs-" + rand.Text()
	db := dynamo.New(dynamo.Config{
		Region: engine.Region, Endpoint: e.Endpoint, Transport: wire,
		Credentials: dynamo.Credentials{AccessKeyID: engine.AccessKeyID, SecretAccessKey: auth.NewSecret(engine.SecretAccessKey)},
		Tables:      dynamo.Tables{Users: name + "-users", Sessions: name + "-sessions", Attempts: name + "-attempts"},
	})
	if err := db.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA, Settings: func(s *service.Settings) {
		s.Stores = service.Stores{Users: db.Users(), Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Flows: db.Flows()}
	}})
	const email = "ada@example.com"
	hash, err := a.Users.Hasher.Hash(auth.NewSecret(authtest.Password))
	if err != nil {
		t.Fatal(err)
	}
	u := user.User{ID: "1b671a64-40d5-491e-99b0-da01ff1f3341", Email: email, Password: hash, Revision: 1, CreatedAt: a.Clock.Now()}
	if err := db.Users().Create(t.Context(), u, string(u.ID)); err != nil {
		t.Fatal(err)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	send := func(path, body string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = "192.0.2.1:4711"
		w := httptest.NewRecorder()
		a.Handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		_ = json.Unmarshal(w.Body.Bytes(), &tokens)
	}
	want := measuredCalls()
	count := func(operation string, do func()) {
		t.Helper()
		wire.Calls()
		do()
		if got := wire.Calls(); !maps.Equal(got, want[operation]) {
			t.Errorf("%s: %v, and calls.json has %v", operation, got, want[operation])
		}
		delete(want, operation)
	}
	login := `{"email":"` + email + `","password":"` + authtest.Password + `"}`
	send("/auth/login", login) // a service reads once which forms the hashes have
	count("login", func() { send("/auth/login", login) })
	count("refresh", func() { send("/auth/refresh", `{"refresh_token":"`+tokens.Refresh+`"}`) })
	claims, err := a.Verifier.Verify(t.Context(), tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	count("session check", func() {
		checker := session.Checker{Store: db.Sessions(), Subjects: &user.Directory{Store: db.Users()}, Now: a.Clock.Now}
		p := auth.Principal{Subject: claims.Subject, SessionID: claims.SessionID, TokenVersion: claims.TokenVersion}
		if why, err := checker.CheckToken(t.Context(), p); why != "" || err != nil {
			t.Errorf("%s, %v", why, err)
		}
	})
	count("logout", func() { send("/auth/logout", `{"token":"`+tokens.Refresh+`"}`) })
	for operation := range want {
		t.Errorf("calls.json has %s, which nothing counted", operation)
	}
}
