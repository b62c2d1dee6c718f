// Package restore walks through the drill of docs/operations.md: a backup of the tables is restored
// after sessions have ended, passwords have changed and users have gone.
package restore_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/test/document"
	"github.com/edgeauth/edgeauth/test/engine"
)

// account is a pair of tables in DynamoDB Local, and the functions that are deployed on them.
type account struct {
	t        *testing.T
	engine   *engine.Engine
	client   *dynamodb.Client
	edgeauth string // the command
	log      bytes.Buffer
}

func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{t: t, engine: engine.DynamoDBLocal(t), edgeauth: filepath.Join(t.TempDir(), "edgeauth")}
	if out, err := exec.Command("go", "build", "-o", a.edgeauth, "../../cmd/edgeauth").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	a.client = dynamodb.New(dynamodb.Options{
		Region: engine.Region, BaseEndpoint: &a.engine.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(engine.AccessKeyID, engine.SecretAccessKey, ""),
	})
	now := time.Now()
	rings := map[string]keyrings.Ring{}
	var errs [3]error
	rings[config.SigningRing], errs[0] = keyrings.NewSigningRing(token.EdDSA, now, rand.Reader)
	rings[config.RefreshKeys], errs[1] = keyrings.NewRefreshRing(now, rand.Reader)
	rings[config.LoginRing], errs[2] = keyrings.NewLoginRing(now, rand.Reader)
	variables := map[string]string{
		config.Issuer: "https://auth.example.com", config.Audience: "https://api.example.com", config.KeyVersion: "1",
		config.AccessTokenLifetime: "15m", config.IdleTimeout: "336h", config.AbsoluteTimeout: "2160h", config.Store: "dynamodb",
		// A copy of a token of this client is noticed at once.
		config.Config: `{"clients":{"strict":{"profile":"strict"}}}`,
	}
	maps.Copy(variables, a.engine.Environment())
	for name, ring := range rings {
		text, err := ring.Text()
		if err != nil || errs != [3]error{} {
			t.Fatal(err, errs)
		}
		variables[name] = text.Reveal()
	}
	set, err := rings[config.SigningRing].PublicKeys(1)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	variables[config.JWKS] = string(public)
	for name, value := range variables {
		t.Setenv(name, value)
	}
	return a
}

// tables are the names of one generation of tables.
type tables struct{ users, sessions string }

// use makes all later calls use the tables.
func (a *account) use(in tables) {
	a.t.Setenv(config.UsersTable, in.users)
	a.t.Setenv(config.SessionsTable, in.sessions)
	a.t.Setenv(config.AttemptsTable, "attempts-"+in.users)
}

func (a *account) create() tables {
	a.t.Helper()
	name := strings.ToLower(rand.Text())
	made := tables{name + "-users", name + "-sessions"}
	a.use(made)
	a.shell(`edgeauth tables create --store stack:edgeauth`)
	return made
}

// copy does the same as a backup and its restore: new tables hold the items of the old tables.
func (a *account) copy(from tables) tables {
	a.t.Helper()
	to := a.create()
	for _, names := range [][2]string{{from.users, to.users}, {from.sessions, to.sessions}} {
		items, err := a.client.Scan(a.t.Context(), &dynamodb.ScanInput{TableName: &names[0], ConsistentRead: aws.Bool(true)})
		if err != nil || len(items.Items) == 0 || items.LastEvaluatedKey != nil {
			a.t.Fatalf("%d items in %s, %v", len(items.Items), names[0], err)
		}
		for _, item := range items.Items {
			if _, err := a.client.PutItem(a.t.Context(), &dynamodb.PutItemInput{TableName: &names[1], Item: item}); err != nil {
				a.t.Fatal(err)
			}
		}
	}
	return to
}

// shell runs a command of the page. The store is the tables in use instead of a stack.
func (a *account) shell(command string, variables ...string) string {
	a.t.Helper()
	shell := exec.CommandContext(a.t.Context(), "bash", "-euo", "pipefail", "-c",
		`edgeauth() { "$EDGEAUTH" "${@/stack:edgeauth/dynamodb}"; }; `+command)
	shell.Dir = a.t.TempDir()
	shell.Env = append(append(os.Environ(), "EDGEAUTH="+a.edgeauth), variables...)
	var out, problems bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &problems
	if err := shell.Run(); err != nil {
		a.t.Fatalf("%s: %v\n%s", command, err, &problems)
	}
	return out.String()
}

// deploy starts the functions on the tables. notBefore is SessionsNotBefore.
func (a *account) deploy(on tables, notBefore string) *deployment {
	a.t.Helper()
	a.use(on)
	a.t.Setenv(config.SessionsNotBefore, notBefore)
	d, o := &deployment{a: a, mux: http.NewServeMux()}, service.Options{Log: &a.log}
	for pattern, start := range map[string]func(service.Options) (http.Handler, error){
		"/auth/login": service.Login, "/auth/refresh": service.Refresh, "/auth/logout": service.Sessions, "/auth/password": service.Account,
	} {
		h, err := start(o)
		if err != nil {
			a.t.Fatal(err)
		}
		d.mux.Handle(pattern, h)
	}
	return d
}

type deployment struct {
	a   *account
	mux *http.ServeMux
}

// tokens are the part of an answer that a client keeps, or the error.
type tokens struct {
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token"`
	Error    string `json:"error"`
	Terminal bool   `json:"terminal"`
}

func (d *deployment) post(path, access string, body any) (status int, t tokens) {
	d.a.t.Helper()
	var r *http.Request
	if form, ok := body.(url.Values); ok {
		r = httptest.NewRequestWithContext(d.a.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		text, _ := json.Marshal(body)
		r = httptest.NewRequestWithContext(d.a.t.Context(), http.MethodPost, path, bytes.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &t); err != nil {
		d.a.t.Fatalf("%s: %v: %s", path, err, w.Body)
	}
	return w.Code, t
}

func (d *deployment) login(name, password, client string) (status int, t tokens) {
	d.a.t.Helper()
	return d.post("/auth/login", "", map[string]string{"email": name + "@example.com", "password": password, "client_id": client})
}

func (d *deployment) refresh(refresh string) (status int, t tokens) {
	d.a.t.Helper()
	return d.post("/auth/refresh", "", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

// want ends the test if a request was not answered as expected, because the following steps need
// the answer.
func (d *deployment) want(what string, status, want int) {
	d.a.t.Helper()
	if status != want {
		d.a.t.Fatalf("%s: %d, want %d\n%s", what, status, want, &d.a.log)
	}
}

const (
	password = "correct horse"
	changed  = "battery staple"
)

// names are the users and what happens to each after the backup.
var names = []string{
	"ada", // logs out
	"bob", // changes the password
	"cyd", // is disabled
	"dee", // is deleted
	"eve", // is robbed of a refresh token
	"fay", // is logged out by an operator
	"gus", // goes on
}

// damage makes all the changes that a backup does not have, and returns the refresh tokens that
// clients still hold.
func damage(a *account, d *deployment, before map[string]tokens) map[string]string {
	a.t.Helper()
	held := map[string]string{}
	for name, t := range before {
		held[name] = t.Refresh
	}
	status, _ := d.post("/auth/logout", "", url.Values{"token": {before["ada"].Refresh}})
	d.want("Ada's logout", status, 200)
	status, _ = d.post("/auth/password", before["bob"].Access, map[string]string{"current_password": password, "new_password": changed})
	d.want("Bob's change of the password", status, 200)
	a.shell("edgeauth user disable cyd@example.com --store stack:edgeauth")
	a.shell("edgeauth user delete dee@example.com --yes --store stack:edgeauth")
	status, _ = d.refresh(before["eve"].Refresh)
	d.want("Eve's refresh", status, 200)
	status, _ = d.refresh(before["eve"].Refresh)
	d.want("the refresh of a thief", status, 400)
	a.shell("edgeauth user logout fay@example.com --store stack:edgeauth")
	status, t := d.refresh(before["gus"].Refresh)
	d.want("Gus's refresh", status, 200)
	held["gus"] = t.Refresh
	for _, name := range names {
		if status, t := d.refresh(held[name]); name != "gus" && (status != 400 || !t.Terminal) {
			a.t.Errorf("before the restore, the session of %s: %d, %+v", name, status, t)
		}
	}
	return held
}

// commands returns the commands of the drill that begin with edgeauth or end in it, by verb.
func commands(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, block := range document.Pasted(t, "docs/operations.md") {
		for line := range strings.Lines(block) {
			for _, c := range document.Parse(line).Commands {
				if c.Program() == "edgeauth" {
					all[c[1]+" "+c[2]] = strings.TrimSpace(line)
				}
			}
		}
	}
	want := []string{"session end-all", "session list", "user delete", "user disable", "user passwd"}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Fatalf("the drill has the commands %q, want %q", got, want)
	}
	return all
}

// TestDrill restores a backup twice: without SessionsNotBefore, which shows the fault, and by the
// drill.
func TestDrill(t *testing.T) {
	drill, a := commands(t), newAccount(t)
	live := a.create()
	before, subjects := a.begin(live)
	backup := a.copy(live)
	since := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339) // before all logins
	a.log.Reset()
	held := damage(a, a.deploy(live, ""), before)
	changes := regexp.MustCompile(`"event":"authn_password_change",.*"sub":"([^"]+)"`).FindAllStringSubmatch(a.log.String(), -1)

	// The fault: ended sessions are open again.
	fault := a.deploy(a.copy(backup), "")
	for _, name := range names {
		status, answer := fault.refresh(held[name])
		if name == "gus" { // this token is newer than the table
			if status != 503 || answer.Terminal {
				t.Errorf("the fault: the session of gus: %d, %+v", status, answer)
			}
		} else if status != 200 {
			t.Errorf("the fault: the session of %s: %d, want 200, or the test shows nothing", name, status)
		}
	}

	// The drill. The page's instant has whole seconds; here all happens within one.
	restored := a.copy(backup)
	d := a.deploy(restored, time.Now().UTC().Format(time.RFC3339Nano))
	for _, name := range names {
		if status, answer := d.refresh(held[name]); status != 400 || answer.Error != "invalid_grant" || !answer.Terminal {
			t.Errorf("the session of %s: %d, %+v", name, status, answer)
		}
		// The token from before the damage is a different token, of a session in the backup.
		if status, answer := d.refresh(before[name].Refresh); status != 400 || !answer.Terminal {
			t.Errorf("the older token of %s: %d, %+v", name, status, answer)
		}
	}
	if n := strings.Count(a.log.String(), `"event":"session_expired","outcome":"not_before"`); n != 2*len(names) {
		t.Errorf("%d lines have the outcome not_before, want %d", n, 2*len(names))
	}
	d.works("gus", password)

	listed := a.shell(drill["session list"]+" --json", "since="+since)
	if got := strings.Count(listed, `"state": "not_before"`); got != len(names) || strings.Count(listed, `"state": "open"`) != 1 {
		t.Errorf("the check lists %d sessions of before: %s", got, listed)
	}
	a.shell(drill["session end-all"])
	listed = a.shell(drill["session list"]+" --json", "since="+since)
	if strings.Contains(listed, `"state": "open"`) {
		t.Errorf("after the raise: %s", listed)
	}

	// The table does not have the new password: the old password works until the operator corrects
	// the users.
	d.works("bob", password)
	if len(changes) != 1 || changes[0][1] != subjects["bob"] {
		t.Fatalf("the audit log has the changes %q, want one of %s", changes, subjects["bob"])
	}
	a.shell(drill["user passwd"], "sub="+changes[0][1])
	a.shell(drill["user disable"], "sub="+subjects["cyd"])
	a.shell(drill["user delete"], "sub="+subjects["dee"])
	for _, name := range []string{"bob", "cyd", "dee"} {
		if status, answer := d.login(name, password, "default"); status != 401 && status != 429 {
			t.Errorf("a login of %s with the old password: %d, %+v", name, status, answer)
		}
	}
	for _, name := range []string{"ada", "eve", "fay", "gus"} {
		d.works(name, password)
	}
	// The versions are raised, so earlier sessions stay ended even without the parameter.
	without := a.deploy(restored, "")
	for _, name := range names {
		if status, answer := without.refresh(before[name].Refresh); status != 400 || !answer.Terminal {
			t.Errorf("after the drill, without the parameter, the session of %s: %d, %+v", name, status, answer)
		}
	}
}

// begin adds the users and logs each in. It returns their tokens and subjects.
func (a *account) begin(on tables) (before map[string]tokens, subjects map[string]string) {
	a.t.Helper()
	d := a.deploy(on, "")
	before, subjects = map[string]tokens{}, map[string]string{}
	for _, name := range names {
		var added struct{ Sub string }
		text := a.shell(fmt.Sprintf("printf %%s '%s' | edgeauth user add %s@example.com --json --store stack:edgeauth", password, name))
		if err := json.Unmarshal([]byte(text), &added); err != nil {
			a.t.Fatal(err)
		}
		subjects[name] = added.Sub
		client := "default"
		if name == "eve" {
			client = "strict"
		}
		status, t := d.login(name, password, client)
		d.want("the login of "+name, status, 200)
		before[name] = t
	}
	return before, subjects
}

// works checks that a user can log in, and that the new session can be refreshed.
func (d *deployment) works(name, password string) {
	d.a.t.Helper()
	status, t := d.login(name, password, "default")
	d.want("a new login of "+name, status, 200)
	status, t = d.refresh(t.Refresh)
	d.want("the refresh of the new session of "+name, status, 200)
}
