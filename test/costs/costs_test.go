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
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/stopwatch"
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
	root  = "../.."
	path  = root + "/docs/costs.md"
	begin = "<!-- from here on: make costs -->\n"
)

// TestPage: the page has the tables of the program.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	prose, tables, found := strings.Cut(string(text), begin)
	if !found {
		t.Fatalf("%s has no line %q", path, begin)
	}
	counted, err := readProduct(root)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	want.WriteString("\n")
	write(&want, counted)
	if *update {
		if err := os.WriteFile(path, []byte(prose+begin+want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if tables != want.String() {
		t.Errorf("%s has other tables than the program prints; make costs writes them", path)
	}
}

// TestProduct: another metric, alarm or secret changes the counts, and what cannot be counted is an
// error.
func TestProduct(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(root + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	code, docs, template := read("internal/audit/metrics.go"), read("docs/audit.md"), read("template.yaml")
	count := func(code, docs, template string) (p product, err error) {
		if err := p.countMetrics(code, docs); err != nil {
			return p, err
		}
		return p, p.countResources(template)
	}
	is, err := count(code, docs, template)
	if err != nil {
		t.Fatal(err)
	}
	constant, row := "\tMore Metric = \"more\"\n", "| `more` | Count | none; `client_id` | each |\n"
	resource := func(kind, condition string) string {
		return "\n  More:\n    Type: " + kind + "\n    Condition: " + condition + "\n"
	}
	const alarm, secret = "AWS::CloudWatch::Alarm", "AWS::SecretsManager::Secret"
	for what, change := range map[string]struct {
		code, docs, template string
		want                 product
	}{
		"a metric":                  {constant, row, "", product{metrics: 2}},
		"an alarm":                  {"", "", resource(alarm, "HasAlarms"), product{alarms: 1}},
		"an alarm over two metrics": {"", "", resource(alarm, "HasMailAlarms") + "    MetricStat:\n    MetricStat:\n", product{mailAlarms: 2}},
		"a metric of the rollout with mails": {"", "", resource(alarm, "IsGradual") + "    MetricStat:\n    !If [HasMailer, {Id: x, MetricStat: y}]\n",
			product{rollout: 1, mailRollout: 1}},
		"a secret": {"", "", resource(secret, "MakesSigningSecret"), product{secrets: 1}},
	} {
		got, err := count(code+change.code, docs+change.docs, template+change.template)
		got = product{got.metrics - is.metrics, got.mailMetrics - is.mailMetrics, got.alarms - is.alarms, got.mailAlarms - is.mailAlarms,
			got.rollout - is.rollout, got.mailRollout - is.mailRollout, got.secrets - is.secrets}
		if err != nil || got != change.want {
			t.Errorf("%s: %+v, %v, want %+v", what, got, err, change.want)
		}
	}
	for what, texts := range map[string][3]string{
		"a metric without a row":         {code + constant, docs, template},
		"a metric of mails that is none": {strings.Replace(code, `"mails_held"`, `"held"`, 1), docs, template},
		"an alarm of another condition":  {code, docs, template + resource(alarm, "Always")},
	} {
		if p, err := count(texts[0], texts[1], texts[2]); err == nil {
			t.Errorf("%s: no error, %+v", what, p)
		}
	}
}

// TestValues counts the events whose lines have the metric of a duration, and the limits of mails.
func TestValues(t *testing.T) {
	words := func(path, kind string) (texts []string) {
		text, err := os.ReadFile(root + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(` `+kind+` = "(\w+)"`).FindAllStringSubmatch(string(text), -1) {
			texts = append(texts, m[1])
		}
		return texts
	}
	timed := 0
	for _, name := range words("internal/audit/names.go", "Name") {
		ctx := stopwatch.Start(t.Context())
		done := stopwatch.Call(ctx)
		time.Sleep(time.Millisecond)
		done()
		var line bytes.Buffer
		audit.New(audit.Metered(&line, "edgeauth/costs"), nil).Write(ctx, audit.Event{Name: audit.Name(name)})
		if strings.Contains(line.String(), `"Name":"`+string(audit.Duration)+`"`) {
			timed++
		}
	}
	if timed != timedEvents {
		t.Errorf("%d events have the metric of a duration, and the page counts %d", timed, timedEvents)
	}
	if classes := words("pkg/auth/flow/begin.go", "Class"); len(classes) != mailClasses {
		t.Errorf("mails have the limits %q, and the page counts %d", classes, mailClasses)
	}
}

// TestCalls counts the requests to DynamoDB that the prices are made of.
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
