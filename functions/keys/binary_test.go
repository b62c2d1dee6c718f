package main

import (
	"encoding/json"
	"maps"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/runtimeapi"
	standin "github.com/edgeauth/edgeauth/test/secretsmanager"
)

// bootstrap builds the deployed program with the rule of the Makefile, for functions on arm64. The
// program itself is for this machine.
func bootstrap(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		engine.LeaveOut(t, "Linux, for which functions are built,", "run the tests there")
	}
	folder := t.TempDir()
	path := runtimeapi.Bootstrap(folder, "arm64", "keys")
	command := exec.Command("make", "--no-print-directory", "-C", "../..", "ARCH=arm64", "KEYS_ARCH="+runtime.GOARCH, "DIST="+folder, path)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// function is the deployed program behind a Runtime API.
func (s *stack) function(path string, without ...string) *runtimeapi.Function {
	s.t.Helper()
	variables := map[string]string{
		"AWS_REGION": s.config.Region, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": s.config.Endpoint, "AWS_ENDPOINT_URL": s.answers.url, "EDGEAUTH_STACK_ID": s.id,
	}
	for _, name := range without {
		delete(variables, name)
	}
	return runtimeapi.New(s.t, path, variables)
}

// The deployed program behaves as the handler does, for the whole life of a stack and with the real
// clock.
func TestProgram(t *testing.T) {
	path := bootstrap(t)
	s := newStack(t)
	s.now = time.Now()
	s.properties[signingAlgorithm] = "RS256" // the default and the slowest algorithm
	f := s.function(path)
	invoke := func(event []byte) reply {
		t.Helper()
		before := s.answers.count()
		if out, err := f.Invoke(t.Context(), event); err != nil || string(out) != "null" {
			t.Fatalf("%s, %v", out, err)
		}
		if got := s.answers.count() - before; got != 1 {
			t.Fatalf("%d answers", got)
		}
		return s.answers.latest(t)
	}
	update := func(old map[string]any, pairs ...string) (map[string]any, reply) {
		t.Helper()
		wish := maps.Clone(old)
		for i := 0; i < len(pairs); i += 2 {
			wish[pairs[i]] = pairs[i+1]
		}
		return wish, invoke(s.request("Update", wish, old))
	}

	// A new role has no read permission yet, and the first replies are lost.
	s.service.Fail("GetSecretValue", 1, standin.Denied)
	s.service.Fail("PutSecretValue", 2, standin.Lost)
	create := s.request("Create", s.properties, nil)
	first := invoke(create)
	s.deployed = s.properties
	if first.Status != "SUCCESS" || !slices.Equal(first.kids(t), []string{s.signs(1), s.signs(2)}) {
		t.Fatalf("%+v", first)
	}
	if again := invoke(create); !maps.Equal(again.Data, first.Data) {
		t.Errorf("repeated: %+v", again)
	}

	wish, refused := update(s.deployed, keyVersion, "2")
	if refused.Status != "FAILED" || !strings.Contains(refused.Reason, "use KeyVersion 1 until "+time.Now().UTC().Add(3*time.Hour).Format("2006-01-02T")) {
		t.Errorf("a forbidden rotation: %+v", refused)
	}
	if back := invoke(s.request("Update", s.deployed, wish)); !maps.Equal(back.Data, first.Data) {
		t.Errorf("its rollback: %+v", back)
	}

	// The process dies after the answer, and Lambda starts another process.
	wish, dropped := update(s.deployed, keyVersion, "2", dropKeys, first.kids(t)[0])
	if dropped.Status != "SUCCESS" || slices.Contains(dropped.kids(t), first.kids(t)[0]) {
		t.Errorf("an emergency: %+v", dropped)
	}
	rollback := s.request("Update", s.deployed, wish)
	f.LoseNextAnswer()
	if _, err := f.Invoke(t.Context(), rollback); err == nil {
		t.Error("the process did not die")
	}
	back := invoke(rollback)
	if back.Status != "SUCCESS" || slices.Contains(back.kids(t), first.kids(t)[0]) || back.Data["KeyVersion"] != "1" {
		t.Errorf("its rollback: %+v", back)
	}

	if wrong := invoke([]byte(strings.Replace(string(create), `"KeyVersion":"1"`, `"KeyVersion":["1"]`, 1))); wrong.Status != "FAILED" {
		t.Errorf("a wrong property: %+v", wrong)
	}
	if _, other := update(s.deployed, architecture, "x86_64"); other.Status != "FAILED" || !strings.Contains(other.Reason, "built for arm64") {
		t.Errorf("another processor: %+v", other)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); err == nil {
		t.Error("an event of another kind was taken")
	}
	before, versions := s.service.Text(s.deployed[signingRingARN].(string))
	if deleted := invoke(s.request("Delete", s.deployed, nil)); deleted.Status != "SUCCESS" || deleted.PhysicalResourceId != first.PhysicalResourceId {
		t.Errorf("%+v", deleted)
	}
	if after, now := s.service.Text(s.deployed[signingRingARN].(string)); after != before || now != versions {
		t.Error("the end of the stack has changed a secret")
	}

	s.logged.WriteString(f.Log())
	s.keepsSecrets()
	for line := range strings.SplitSeq(strings.TrimSpace(f.Log()), "\n") {
		var event struct{ Msg, Request, Status string }
		if err := json.Unmarshal([]byte(line), &event); err != nil && !strings.Contains(line, "not a request of CloudFormation") {
			t.Errorf("the log has the line %s", line)
		}
	}
	if strings.Contains(f.Log(), "ResponseURL") || strings.Contains(f.Log(), s.answers.url) {
		t.Errorf("the event is in the log:\n%s", f.Log())
	}
}

// A function without one of its variables does not start. The error names the variable.
func TestProgramWithoutVariables(t *testing.T) {
	path := bootstrap(t)
	s := newStack(t)
	for _, missing := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "EDGEAUTH_STACK_ID"} {
		f := s.function(path, missing)
		if _, err := f.Invoke(t.Context(), s.request("Create", s.properties, nil)); err == nil || !strings.Contains(f.Log(), missing+" is not set: it should hold ") {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}
