package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/importer"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/secretsmanager"
)

// deployedStack is a stack in a separate account. CloudFormation and Secrets Manager are stand-ins;
// the tables are in a real engine if the test starts one.
type deployedStack struct {
	t          *testing.T
	status     string
	parameters map[string]string
	outputs    map[string]string
	secrets    secretsmanager.Server
}

// deploy creates the stack auth. This process can find it, and no other part of AWS.
func deploy(t *testing.T) *deployedStack {
	t.Helper()
	d := &deployedStack{t: t, status: "CREATE_COMPLETE", parameters: map[string]string{"KeyVersion": "1"}}
	table := strings.ToLower(rand.Text())
	d.outputs = map[string]string{
		"Issuer": "https://auth.example.com", "Jwks": "https://auth.example.com/.well-known/jwks.json",
		"AuthorizerArn":        "arn:aws:lambda:eu-central-1:123456789012:function:auth-AuthorizerFunction-x:live",
		"SessionAuthorizerArn": "arn:aws:lambda:eu-central-1:123456789012:function:auth-SessionAuthorizerFunction-x:live",
		"UsersTable":           table + "-users", "SessionsTable": table + "-sessions", "AttemptsTable": table + "-attempts",
		"SigningSecret": d.secrets.Add("signing"), "RefreshSecret": d.secrets.Add("refresh"),
		"LoginSecret": d.secrets.Add("login"),
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // restored after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	serve := func(name string, h http.Handler) {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		t.Setenv(name, server.URL)
	}
	serve("AWS_ENDPOINT_URL_CLOUDFORMATION", d)
	serve(config.SecretsManagerEndpoint, &d.secrets)
	nothing := filepath.Join(t.TempDir(), "nothing")
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
		config.Region: "eu-central-1", config.AccessKeyID: "AKIDEXAMPLE", config.SecretAccessKey: "hunter2",
	} {
		t.Setenv(name, value)
	}
	return d
}

// ServeHTTP implements DescribeStacks of CloudFormation.
func (d *deployedStack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	if r.FormValue("StackName") != "auth" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>`+
			`<Message>Stack with id %s does not exist</Message></Error></ErrorResponse>`, r.FormValue("StackName"))
		return
	}
	members := func(kind string, all map[string]string) string {
		var text strings.Builder
		for name, value := range all {
			fmt.Fprintf(&text, "<member><%[1]sKey>%[2]s</%[1]sKey><%[1]sValue>%[3]s</%[1]sValue></member>", kind, name, value)
		}
		return text.String()
	}
	_, _ = fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>auth</StackName>`+
		`<CreationTime>2026-01-02T15:04:05Z</CreationTime><StackStatus>%s</StackStatus><Parameters>%s</Parameters><Outputs>%s</Outputs>`+
		`</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
		d.status, members("Parameter", d.parameters), members("Output", d.outputs))
}

// history deploys each version at its time, as the custom resource does, and returns the signing
// ring.
func (d *deployedStack) history(steps ...step) keyrings.Ring {
	d.t.Helper()
	rings := map[string]keyrings.Ring{
		"SigningSecret": {Kind: keyrings.SigningRing}, "RefreshSecret": {Kind: keyrings.RefreshRing}, "LoginSecret": {Kind: keyrings.LoginRing},
	}
	for output, ring := range rings {
		for _, s := range steps {
			var err error
			if ring, err = ring.Move(keyrings.Move{Version: s.version, Algorithm: token.ES256, Stack: "arn:of:this:stack"}, s.at, rand.Reader); err != nil {
				d.t.Fatal(err)
			}
			d.parameters["KeyVersion"] = fmt.Sprint(s.version)
		}
		d.put(output, ring)
		rings[output] = ring
	}
	return rings["SigningSecret"]
}

type step struct {
	version keyrings.Version
	at      time.Time
}

func (d *deployedStack) put(output string, r keyrings.Ring) {
	d.t.Helper()
	text, err := r.Text()
	if err != nil {
		d.t.Fatal(err)
	}
	d.secrets.Set(d.outputs[output], text.Reveal())
}

func (d *deployedStack) text(output string) auth.Secret {
	text, _ := d.secrets.Text(d.outputs[output])
	return auth.NewSecret(text)
}

// keepsSecrets checks that the printed text contains no private part of a ring.
func (d *deployedStack) keepsSecrets(printed string) {
	d.t.Helper()
	count := 0
	for _, output := range []string{"SigningSecret", "RefreshSecret", "LoginSecret"} {
		text := d.text(output).Reveal()
		for _, match := range regexp.MustCompile(`"(?:d|secret)":\s*"([\w+/=-]+)"`).FindAllStringSubmatch(text, -1) {
			if count++; strings.Contains(printed, match[1]) {
				d.t.Error("key material is shown")
			}
		}
	}
	if count < 6 {
		d.t.Fatalf("%d secrets in three rings of two keys", count)
	}
	if strings.Contains(printed, "hunter2") {
		d.t.Error("the credentials are shown")
	}
}

func TestKeysOfAStack(t *testing.T) {
	d := deploy(t)
	ago := func(d time.Duration) time.Time { return time.Now().UTC().Add(-d).Truncate(time.Second) }
	begin, moved := ago(20*time.Hour), ago(10*time.Minute)
	ring := d.history(step{1, begin}, step{2, ago(10 * time.Hour)}, step{3, ago(5 * time.Hour)}, step{4, moved})
	d.status = "UPDATE_COMPLETE"

	shown := done(t, "", "keys", "show", "--store", "stack:auth")
	at := moved.Format(time.RFC3339)
	lines(t, shown,
		`stack +auth in eu-central-1, UPDATE_COMPLETE`,
		`issuer +https://auth.example.com`,
		`public keys +https://auth.example.com/.well-known/jwks.json`,
		`access tokens +VERSION +STATE +ALG +SINCE +KEY ID`,
		` +1 +retired +ES256 +`+since+` +`+ring.Keys[1].Signing.ID(),
		` +2 +retired +ES256 +`+since+` +`+ring.Keys[2].Signing.ID(),
		` +3 +accepted +ES256 +`+at+` +`+ring.Keys[3].Signing.ID(),
		` +4 +signing +ES256 +`+at+` +`+ring.Keys[4].Signing.ID(),
		` +5 +next +ES256 +`+at+` +`+ring.Keys[5].Signing.ID(),
		`refresh tokens +VERSION +STATE +SINCE +KEY ID`,
		` +1 +accepted +`+since+` +[\w-]{43}`,
		` +2 +accepted +`+since+` +[\w-]{43}`,
		` +3 +accepted +`+at+` +[\w-]{43}`,
		` +4 +signing +`+at+` +[\w-]{43}`,
		` +5 +next +`+at+` +[\w-]{43}`,
		`login +VERSION +STATE +SINCE +KEY ID`,
		` +1 +accepted +`+since+` +[\w-]{43}`,
		` +2 +accepted +`+since+` +[\w-]{43}`,
		` +3 +accepted +`+at+` +[\w-]{43}`,
		` +4 +signing +`+at+` +[\w-]{43}`,
		` +5 +next +`+at+` +[\w-]{43}`,
		`next rotation +version 5, from `+moved.Add(3*time.Hour).Format(time.RFC3339)+` on: its key is published since `+at+`, .*`)

	var view struct {
		Stack            map[string]string
		Version          int
		Signing, Refresh []keyView
		Next             rotation
	}
	text := done(t, "", "keys", "show", "--json", "--store", "stack:auth")
	if err := json.Unmarshal([]byte(text), &view); err != nil {
		t.Fatal(err)
	}
	three := view.Signing[2]
	if view.Stack["issuer"] != "https://auth.example.com" || view.Stack["status"] != "UPDATE_COMPLETE" || view.Version != 4 || len(view.Refresh) != 5 ||
		view.Next.Version != 5 || view.Next.Now || !view.Next.From.Equal(moved.Add(3*time.Hour)) || view.Next.Reason == "" ||
		!three.Retired.Equal(moved) || three.SigningSince.IsZero() || !three.Published.Equal(ring.Keys[3].Published) || three.KeyID != ring.Keys[3].Signing.ID() {
		t.Errorf("%s", text)
	}

	published := done(t, "", "keys", "jwks", "--store", "stack:auth")
	public, err := ring.PublicKeys(4)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.MarshalIndent(public, "", "  ")
	if err != nil || published != string(want)+"\n" || strings.Count(published, `"kid"`) != 3 {
		t.Errorf("%s, %v", published, err)
	}
	d.keepsSecrets(shown + text + published)
	if calls := d.secrets.Calls(); calls["GetSecretValue"] != 9 || len(calls) != 1 { // three for each of three commands
		t.Errorf("%v", calls)
	}
}

// TestNextRotation: the predicted time of the next rotation is the first second at which the rules
// of the deployment allow it.
func TestNextRotation(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	d := deploy(t)
	for _, row := range []struct {
		name    string
		history []step
		change  func(r keyrings.Ring) keyrings.Ring
		says    string // KeyVersion, if it differs from the last step's
		want    string
	}{
		{"a new stack", []step{{1, ago(time.Hour)}}, nil, "", "version 2, from " + ago(-2*time.Hour).Format(time.RFC3339) + " on: its key is published since .*"},
		{"in time", []step{{1, ago(3*time.Hour + time.Second)}}, nil, "", "version 2, now: sam deploy --stack-name auth --parameter-overrides KeyVersion=2"},
		{"rotated", []step{{1, ago(9 * time.Hour)}, {2, ago(4 * time.Hour)}}, nil, "", "version 3, now: sam deploy .* KeyVersion=3"},
		{"rolled back", []step{{1, ago(9 * time.Hour)}, {2, ago(time.Minute)}, {1, now}}, nil, "", "version 2, now: sam deploy .* KeyVersion=2"},
		{
			"in the middle of a deployment", []step{{1, ago(9 * time.Hour)}}, nil, "2",
			"version 3, not now: KeyVersion of the stack is 2, but its signing ring is at version 1: a deployment may be in progress",
		},
		{
			"a key that was never published", []step{{1, ago(9 * time.Hour)}}, func(r keyrings.Ring) keyrings.Ring {
				waiting := r.Keys[2]
				waiting.Published = time.Time{}
				r.Keys[2] = waiting
				return r
			}, "", "version 2, not now: its key is not published yet; a deployment of version 1 publishes it",
		},
		{
			"a key whose last token lives longest", []step{{1, ago(20 * time.Hour)}, {2, ago(9 * time.Hour)}}, func(r keyrings.Ring) keyrings.Ring {
				before := r.Keys[1]
				before.Retired = ago(time.Minute)
				r.Keys[1] = before
				return r
			}, "", "version 3, from " + ago(time.Minute).Add(keyrings.LastTokenEnds).Format(time.RFC3339) + " on: it withdraws the key of version 1, whose tokens are still valid",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			ring := d.history(row.history...)
			if row.change != nil {
				d.put("SigningSecret", row.change(ring))
			}
			if row.says != "" {
				d.parameters["KeyVersion"] = row.says
			}
			shown := strings.Split(strings.TrimSpace(done(t, "", "keys", "show", "--store", "stack:auth")), "\n")
			lines(t, shown[len(shown)-1], "next rotation +"+row.want)

			var view struct{ Next rotation }
			if err := json.Unmarshal([]byte(done(t, "", "keys", "show", "--json", "--store", "stack:auth")), &view); err != nil {
				t.Fatal(err)
			}
			if from := view.Next.From; !from.IsZero() {
				stored, err := keyrings.Parse(keyrings.SigningRing, d.text("SigningSecret"))
				if err != nil {
					t.Fatal(err)
				}
				m := keyrings.Move{Version: view.Next.Version, Algorithm: token.ES256, Stack: stored.Stack}
				_, early := stored.Move(m, from.Add(-time.Second), rand.Reader)
				if _, err := stored.Move(m, from, rand.Reader); err != nil || early == nil {
					t.Errorf("at that time: %v; a second earlier: %v", err, early)
				}
			}
		})
	}
}

// TestKeyStates compares the printed state of each key with the verdict of a verifier.
func TestKeyStates(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	begin, second, third := now.Add(-500*24*time.Hour), now.Add(-401*24*time.Hour), now.Add(-399*24*time.Hour)
	for _, row := range []struct {
		kind  keyrings.Kind
		signs keyrings.Version
		want  string
	}{
		{keyrings.SigningRing, 3, "1 retired 401, 2 accepted 399, 3 signing 399, 4 next 399"},
		{keyrings.RefreshRing, 3, "1 retired 401, 2 accepted 399, 3 signing 399, 4 next 399"},
		{keyrings.SigningRing, 2, "1 accepted 401, 2 signing 401, 3 next 401, 4 unused"}, // functions that run an older version
		{keyrings.RefreshRing, 1, "1 signing 500, 2 next 500, 3 unused, 4 unused"},
	} {
		ring := keyrings.Ring{Kind: row.kind}
		for _, s := range []step{{1, begin}, {2, second}, {3, third}} {
			var err error
			if ring, err = ring.Move(keyrings.Move{Version: s.version, Algorithm: token.EdDSA}, s.at, rand.Reader); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, v := range viewsOf(ring, row.signs, now) {
			days := ""
			if !v.since.IsZero() {
				days = fmt.Sprintf(" %d", int(now.Sub(v.since).Hours()/24))
			}
			got = append(got, fmt.Sprintf("%d %s%s", v.Version, v.State, days))
		}
		if got := strings.Join(got, ", "); got != row.want {
			t.Errorf("%s at %d: %s, want %s", row.kind, row.signs, got, row.want)
		}
	}
}

// TestStackOnItsWay: during a deployment, a command also prints that the deployment is in progress.
func TestStackOnItsWay(t *testing.T) {
	d := deploy(t)
	d.history(step{1, time.Now()})
	d.status = "UPDATE_IN_PROGRESS"
	for _, args := range []string{"keys show", "keys jwks --json"} {
		r := edgeauth(t, "", append(strings.Fields(args), "--store", "stack:auth")...)
		if r.status != exitDone || !strings.Contains(r.out, "VERSION") && !json.Valid([]byte(r.out)) {
			t.Errorf("%s: exit %d, %s", args, r.status, r.out)
		}
		lines(t, r.err, "edgeauth: warning: the stack auth is UPDATE_IN_PROGRESS; its functions may run with other settings than shown")
	}
}

func TestUsersOfAStack(t *testing.T) {
	e := engine.Dynoxide(t)
	d := deploy(t)
	for name, value := range map[string]string{
		config.DynamoDBEndpoint: e.Endpoint,
		config.UsersTable:       d.outputs["UsersTable"], config.SessionsTable: d.outputs["SessionsTable"], config.AttemptsTable: d.outputs["AttemptsTable"],
	} {
		t.Setenv(name, value)
	}
	done(t, "", "tables", "create", "--store", "dynamodb")
	say := func(in string, args ...string) string {
		t.Helper()
		return done(t, in, append(append([]string{"user"}, args...), "--store", "stack:auth")...)
	}
	lines(t, say("correct horse\n", "add", "ada@example.com", "--roles", "admin"), "added ada@example.com, subject "+aUUID)
	lines(t, say("", "list"), "SUBJECT .*", aUUID+" +ada@example.com +admin +active +"+when)
	lines(t, say("battery staple\n", "passwd", "ada@example.com"), "password set, sessions ended: .*")
	lines(t, say("", "email", "ada@example.com", "countess@example.com"), "e-mail changed: .*")
	lines(t, say("", "roles", "countess@example.com", "reader"), "roles set: .*")
	lines(t, say(`{"tenant":"t1"}`, "claims", "countess@example.com"), "claims set: .*")
	lines(t, say("", "disable", "countess@example.com"), "disabled: .*")
	lines(t, say("", "enable", "countess@example.com"), "enabled: .*")
	lines(t, say(`{"email":"bob@example.com"}`, "import", "-"), "1 created, .*")

	// The stack's functions look there.
	var one userView
	found := done(t, "", "user", "find", "countess@example.com", "--json", "--store", "dynamodb")
	if err := json.Unmarshal([]byte(found), &one); err != nil || !slices.Equal(one.Roles, []string{"reader"}) || one.Claims["tenant"] != "t1" {
		t.Errorf("%s, %v", found, err)
	}
	if exported := say("", "export"); strings.Count(exported, "\n") != 2 || exported != done(t, "", "user", "export", "--store", "dynamodb") {
		t.Error(exported)
	}
	lines(t, say("", "delete", "countess@example.com", "-y"), "erased: subject "+aUUID+" and 0 sessions")
	lines(t, say("", "list"), "SUBJECT .*", aUUID+" +bob@example.com .*")

	// A missing table is reported.
	d.outputs["UsersTable"] += "-gone"
	r := edgeauth(t, "", "user", "list", "--store", "stack:auth")
	if r.status != exitFailed {
		t.Errorf("exit %d", r.status)
	}
	lines(t, r.err, "edgeauth: .*DynamoDB.*ResourceNotFoundException.*")
}

// TestKeysOfAnOldStack: the keys of a stack without a login ring are printed, with a hint on what
// creates the ring.
func TestKeysOfAnOldStack(t *testing.T) {
	for name, forget := range map[string]func(*deployedStack){
		"no output": func(d *deployedStack) { delete(d.outputs, "LoginSecret") },
		"no value":  func(d *deployedStack) { d.outputs["LoginSecret"] = d.secrets.Add("empty") },
	} {
		d := deploy(t)
		d.history(step{1, time.Now()})
		forget(d)
		shown := done(t, "", "keys", "show", "--store", "stack:auth")
		if !regexp.MustCompile(`(?m)^login +VERSION .*\n +none yet +the next deployment creates it *\n`).MatchString(shown) {
			t.Errorf("%s:\n%s", name, shown)
		}
		if text := done(t, "", "keys", "show", "--json", "--store", "stack:auth"); !strings.Contains(text, `"login": []`) {
			t.Errorf("%s: %s", name, text)
		}
		if text := done(t, "", "keys", "jwks", "--store", "stack:auth"); strings.Count(text, `"kid"`) != 2 {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestStackRefusals: if a service refuses a call, the command prints one line that says what is
// needed.
func TestStackRefusals(t *testing.T) {
	const (
		noTables = `required: dynamodb:GetItem, .* on the tables .*`
		noKeys   = `required: secretsmanager:GetSecretValue on the three secrets, and kms:Decrypt .*`
	)
	d := deploy(t)
	d.history(step{1, time.Now()})
	table := "AccessDeniedException"
	tables := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type":"com.amazon.coral.service#%s","Message":"User: arn:x may not do %s"}`, table, r.Header.Get("X-Amz-Target"))
	}))
	t.Cleanup(tables.Close)
	t.Setenv(config.DynamoDBEndpoint, tables.URL)
	expired := secretsmanager.Fault(func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`)
	})
	for _, row := range []struct {
		name, args string
		before     func()
		want       string
	}{
		{"no such stack", "user list --store stack:other", nil, "edgeauth: the stack other does not exist in eu-central-1 of this account; .*"},
		{"no such stack, keys", "keys show --store stack:other", nil, "edgeauth: the stack other does not exist in eu-central-1 of this account; .*"},
		{"no such stack, before a password", "user add ada@example.com --store stack:other", nil, "edgeauth: the stack other does not exist .*"},
		{"tables", "user list --store stack:auth", nil, "edgeauth: access denied: these AWS credentials may not call DynamoDB Scan: User: arn:x may not do .*; " + noTables},
		{"tables, expired", "user find ada@example.com --store stack:auth", func() { table = "ExpiredTokenException" }, `edgeauth: the AWS credentials have expired; .*`},
		{"secrets", "keys show --store stack:auth", func() { d.secrets.Fail("GetSecretValue", 9, secretsmanager.Denied) },
			"edgeauth: access denied: these AWS credentials may not call Secrets Manager GetSecretValue: User: .* is not authorized; " + noKeys},
		{"secrets, expired", "keys jwks --store stack:auth", func() { d.secrets.Fail("GetSecretValue", 9, expired) }, "edgeauth: the AWS credentials have expired; .*"},
		{"secrets, throttled", "keys jwks --store stack:auth", func() { d.secrets.Fail("GetSecretValue", 9, secretsmanager.Throttled) },
			`edgeauth: AWS is busy \(Secrets Manager GetSecretValue, ThrottlingException\); run this again in a moment`},
		{"another KeyVersion", "keys jwks --store stack:auth", func() { d.parameters["KeyVersion"] = "7" },
			`edgeauth: signing ring: malformed ring: there is no version 7 in it, but \[1 2\]`},
		{"a secret with something else", "keys show --store stack:auth", func() { d.secrets.Set(d.outputs["RefreshSecret"], `{"d":"c2VjcmV0"}`) },
			"edgeauth: refresh-token ring: malformed ring: .*"},
		{"a secret that is gone", "keys show --store stack:auth", func() { d.outputs["SigningSecret"] = "arn:none" },
			"edgeauth: signing ring: secret arn:none: not found: .*"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.before != nil {
				row.before()
			}
			defer d.secrets.Heal()
			r := edgeauth(t, "correct horse", strings.Fields(row.args)...)
			if r.status != exitFailed || r.out != "" || strings.Contains(r.out+r.err, "c2VjcmV0") {
				t.Errorf("exit %d, printed %q", r.status, r.out)
			}
			lines(t, r.err, row.want)
		})
	}
}

// The error of an import says both what AWS denies and that the import can continue. Real retries
// would take the test 13 s.
func TestDeniedImport(t *testing.T) {
	var out bytes.Buffer
	refused := &smithy.OperationError{ServiceID: "DynamoDB", OperationName: "GetItem", Err: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}}
	err := new(userImport).report(terminal{out: &out}, new(importer.Import), fmt.Errorf("line 7: %w: %w", auth.ErrUnavailable, refused))
	const want = "the import stopped; run the same command again to continue: access denied: these AWS credentials may not call DynamoDB GetItem: no; required: dynamodb:GetItem"
	if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, auth.ErrUnavailable) {
		t.Error(err)
	}
	lines(t, out.String(), "0 created, .*")
}
