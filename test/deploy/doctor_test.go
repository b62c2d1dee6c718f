package deploy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// between is a proxy between a program and the API of a stack. Programs resolve the names of APIs
// through it, and it injects the faults of the API.
type between struct {
	url string // of a proxy

	mu   sync.Mutex
	skew time.Duration // of the date of each answer
	down string        // the path that answers 500
}

func (b *between) set(skew time.Duration, down string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skew, b.down = skew, down
}

// between starts a proxy that ends at the end of the test.
func (s *stack) between() *between {
	s.t.Helper()
	certificate, err := tls.LoadX509KeyPair(s.cloud.authority, s.cloud.key)
	if err != nil {
		s.t.Fatal(err)
	}
	b := new(between)
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "https", Host: r.In.Host})
			r.Out.Host = r.In.Host
		},
		Transport: s.cloud.client.Transport,
		ModifyResponse: func(answer *http.Response) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			answer.Header.Set("Date", time.Now().Add(b.skew).UTC().Format(http.TimeFormat))
			if b.down != "" && answer.Request.URL.Path == b.down {
				answer.StatusCode = http.StatusInternalServerError
			}
			return nil
		},
	})
	front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	front.StartTLS()
	s.t.Cleanup(front.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := net.Dial("tcp", front.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer func() { _ = to.Close() }()
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = from.Close() }()
		_, _ = io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(to, from); _ = to.Close() }()
		_, _ = io.Copy(from, to)
	}))
	s.t.Cleanup(proxy.Close)
	b.url = proxy.URL
	return b
}

// doctor returns the names of the checks that find a problem, and fails if the exit status does not
// agree.
func (s *stack) doctor(b *between, args ...string) (wrong []string, all string) {
	s.t.Helper()
	output, err := s.runWith(s.t.Context(), []string{"HTTPS_PROXY=" + b.url}, "", s.edgeauth, append([]string{"doctor", "--json", "--store", "stack:" + s.name}, args...)...)
	var found []struct{ Check, State, Problem, Cure string }
	if err := json.Unmarshal([]byte(output), &found); err != nil {
		s.t.Fatalf("%v: %s", err, output)
	}
	for _, f := range found {
		all += fmt.Sprintln(f.Check, f.State, f.Problem, f.Cure)
		if f.State == "wrong" {
			wrong = append(wrong, f.Check)
			if f.Problem == "" || f.Cure == "" {
				s.t.Errorf("%s has no problem or no cure: %+v", f.Check, f)
			}
		}
	}
	if (err != nil) != (len(wrong) > 0) {
		s.t.Errorf("the exit status is %v, and wrong are %v", err, wrong)
	}
	slices.Sort(wrong)
	return wrong, all
}

// resource returns the name of a resource of the stack.
func (s *stack) resource(id string) string {
	s.t.Helper()
	out, err := s.cloudFormation().DescribeStackResource(s.t.Context(), &cloudformation.DescribeStackResourceInput{StackName: &s.name, LogicalResourceId: &id})
	if err != nil {
		s.t.Fatal(err)
	}
	return aws.ToString(out.StackResourceDetail.PhysicalResourceId)
}

// ask sends a request to a service for which the tests have no client. If all operations of the service
// have one path, target names the operation.
func (c *cloud) ask(ctx context.Context, service, method, path, contentType string, body []byte, target ...string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	for _, name := range target {
		r.Header.Set("X-Amz-Target", name)
	}
	account, err := owner.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if err := signer.NewSigner().SignHTTP(ctx, account, r, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		return nil, err
	}
	got, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(got.Body)
	_ = got.Body.Close()
	if got.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s %s", method, path, got.Status, text)
	}
	return text, err
}

func (c *cloud) alarm(ctx context.Context, form url.Values) error {
	form.Set("Version", "2010-08-01")
	_, err := c.ask(ctx, "monitoring", http.MethodPost, "/", "application/x-www-form-urlencoded", []byte(form.Encode()))
	return err
}

// move points the alias live of a function at a version with a changed environment.
func (c *cloud) move(ctx context.Context, function, name, value string) error {
	at := "/2015-03-31/functions/" + function
	text, err := c.ask(ctx, "lambda", http.MethodGet, at+"/configuration", "application/json", nil)
	var was struct {
		Environment struct{ Variables map[string]string }
	}
	if err = errors.Join(err, json.Unmarshal(text, &was)); err != nil {
		return err
	}
	was.Environment.Variables[name] = value
	if text, err = json.Marshal(was); err != nil {
		return err
	}
	if _, err = c.ask(ctx, "lambda", http.MethodPut, at+"/configuration", "application/json", text); err != nil {
		return err
	}
	var version struct{ Version string }
	if text, err = c.ask(ctx, "lambda", http.MethodPost, at+"/versions", "application/json", []byte(`{}`)); err == nil {
		err = json.Unmarshal(text, &version)
	}
	if err != nil {
		return err
	}
	for state := ""; state != "Active"; { // a version is pending for a moment
		text, err := c.ask(ctx, "lambda", http.MethodGet, at+"/configuration?Qualifier="+version.Version, "application/json", nil)
		var now struct{ State string }
		if err = errors.Join(err, json.Unmarshal(text, &now)); err != nil {
			return err
		}
		if state = now.State; state != "Active" {
			time.Sleep(100 * time.Millisecond)
		}
	}
	_, err = c.ask(ctx, "lambda", http.MethodPut, at+"/aliases/live", "application/json", []byte(`{"FunctionVersion":"`+version.Version+`"}`))
	return err
}

// The doctor finds each fault by name, and no problem before and afterwards.
func TestDoctor(t *testing.T) {
	p := open(t)
	s := p.stack(t, "doctor")
	s.mustPut(p.template, s.parameters()...)
	b, ctx, db := s.between(), t.Context(), s.dynamoDB()
	if wrong, all := s.doctor(b); len(wrong) > 0 || !strings.Contains(all, "round-trip ok") || !strings.Contains(all, "clock ok") || strings.Count(all, "alarm-") < 8 {
		t.Fatalf("a stack in good order: wrong are %v\n%s", wrong, all)
	}
	users, sessions, attempts := s.outputs["UsersTable"], s.outputs["SessionsTable"], s.outputs["AttemptsTable"]
	expire := func(on bool) error {
		_, err := db.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &sessions,
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expires_at"), Enabled: &on}})
		return err
	}
	recovers := func(on bool) error {
		_, err := db.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{TableName: &users,
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on}})
		return err
	}
	protect := func(on bool) error {
		_, err := db.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &attempts, DeletionProtectionEnabled: &on})
		return err
	}
	put := func(output, text string) error {
		_, err := s.secretsManager().PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(s.outputs[output]), SecretString: &text})
		return err
	}
	text := func(output string) string {
		r, err := s.ring(output).Text()
		if err != nil {
			t.Fatal(err)
		}
		return r.Reveal()
	}
	login, refresh := s.outputs["LoginSecret"], text("RefreshSecret")
	fault, reuse, function := s.resource("FaultAlarm"), s.resource("ReuseAlarm"), s.resource("RefreshFunction")
	ring := func(state string) error {
		return s.alarm(ctx, url.Values{"Action": {"SetAlarmState"}, "AlarmName": {fault}, "StateValue": {state}, "StateReason": {"a test"}})
	}
	for _, row := range []struct {
		name     string
		do, undo func() error
		wrong    []string
		args     []string
	}{
		{"no expiry", func() error { return expire(false) }, func() error { return expire(true) }, []string{"sessions-expiry"}, nil},
		{"no recovery", func() error { return recovers(false) }, func() error { return recovers(true) }, []string{"users-recovery"}, nil},
		{"no protection", func() error { return protect(false) }, func() error { return protect(true) }, []string{"attempts-protection"}, nil},
		{"a secret is deleted", func() error {
			_, err := s.secretsManager().DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: &login, RecoveryWindowInDays: aws.Int64(7)})
			return err
		}, func() error {
			_, err := s.secretsManager().RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: &login})
			return err
		}, []string{"login-ring"}, []string{"--no-user"}},
		{"a secret is no ring", func() error { return put("RefreshSecret", `{"v":1}`) }, func() error { return put("RefreshSecret", refresh) }, []string{"refresh-ring"}, []string{"--no-user"}},
		{"an alarm rings", func() error { return ring("ALARM") }, func() error { return ring("OK") }, []string{"alarm-FaultAlarm"}, []string{"--no-user"}},
		{"a clock is ahead", func() error { b.set(-2*time.Minute, ""); return nil }, func() error { b.set(0, ""); return nil }, []string{"clock"}, nil},
		{"a login fails", func() error { b.set(0, "/auth/login"); return nil }, func() error { b.set(0, ""); return nil }, []string{"round-trip"}, nil},
		{"a refresh fails", func() error { b.set(0, "/auth/refresh"); return nil }, func() error { b.set(0, ""); return nil }, []string{"round-trip"}, nil},
		{"a function runs with another version", func() error { return s.move(ctx, function, "EDGEAUTH_KEY_VERSION", "2") },
			func() error { return s.move(ctx, function, "EDGEAUTH_KEY_VERSION", "1") }, []string{"function-RefreshFunction"}, []string{"--no-user"}},
		{"an alarm is deleted", func() error {
			return s.alarm(ctx, url.Values{"Action": {"DeleteAlarms"}, "AlarmNames.member.1": {reuse}})
		}, nil, []string{"alarm-ReuseAlarm"}, []string{"--no-user"}},
		{"the keys are old", func() error { s.pass(400 * 24 * time.Hour); return nil }, nil,
			[]string{"alarm-ReuseAlarm", "login-key-age", "refresh-key-age", "signing-key-age"}, []string{"--no-user"}},
	} {
		if err := row.do(); err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if wrong, all := s.doctor(b, row.args...); !slices.Equal(wrong, row.wrong) {
			t.Errorf("%s: wrong are %v, want %v\n%s", row.name, wrong, row.wrong, all)
		}
		if row.undo != nil {
			if err := row.undo(); err != nil {
				t.Errorf("%s: undone: %v", row.name, err)
			}
		}
	}
	if left := s.mustCommand("", "user list"); strings.Contains(left, "doctor-") {
		t.Errorf("a temporary user is left: %s", left)
	}
}
