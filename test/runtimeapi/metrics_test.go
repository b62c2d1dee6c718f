package runtimeapi_test

import (
	"bytes"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/mail"
	"github.com/edgeauth/edgeauth/test/emf"
)

const namespace = "edgeauth/drill"

// measured returns the sums of the metrics that a function has written, by their names and, if they
// have one, the value of the dimension event. It checks each line of JSON by the rules of CloudWatch.
func measured(t *testing.T, log string) map[string]float64 {
	t.Helper()
	sums := map[string]float64{}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "{") { // of the runtime, for example the error by which a REST API refuses
			continue
		}
		data, problems := emf.Read(bytes.TrimSpace([]byte(line)))
		for _, problem := range problems {
			t.Errorf("%s: %s", problem, line)
		}
		for _, d := range data {
			event := d.Dimensions["event"]
			if len(d.Dimensions) == 0 || event != "" {
				sums[strings.TrimSpace(d.Name+" "+event)] += d.Sum()
			}
			if d.Namespace != namespace {
				t.Errorf("a metric of %s: %s", d.Namespace, line)
			}
		}
	}
	return sums
}

func (d *deployment) measured(t *testing.T) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for name := range d.environments {
		for metric, sum := range measured(t, d.function(name).Log()) {
			all[metric] += sum
		}
	}
	return all
}

// TestFaultDrill causes, on the deployed programs, each event for which the template has an alarm,
// and checks that the metric of the alarm counts it. Events that clients alone can cause must not
// add to a metric of faults.
func TestFaultDrill(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	d := deploy(t, variables{config.Store: "bolt:" + filepath.Join(t.TempDir(), "store.db")}, auth.Strict, func(all map[string]variables) {
		delete(all["session-authorizer"], config.Store)
		maps.Copy(all["session-authorizer"], without(tables(variables{
			config.Region: "eu-central-1", config.AccessKeyID: "id", config.SecretAccessKey: "secret",
			config.DynamoDBEndpoint: "http://" + closed.Addr().String(),
		}), config.AttemptsTable))
		all["mailer"] = variables{
			config.Store: all["account"][config.Store], config.LoginRing: all["account"][config.LoginRing], config.KeyVersion: "1",
			config.Metrics: namespace, config.MailSender: "smtp://" + closed.Addr().String(), config.MailFrom: "login@example.com",
		}
	})
	session := d.login(t, d.password)
	next := d.refresh(t, session.RefreshToken)
	expect(t, "a refresh", next, http.StatusOK, "")
	expect(t, "a copy", d.refresh(t, session.RefreshToken), http.StatusBadRequest, "invalid_grant")
	for range 8 { // the limit of an account is five
		d.login(t, auth.NewSecret("wrong horse"))
	}
	expect(t, "one guess too many", d.login(t, auth.NewSecret("wrong horse")), http.StatusTooManyRequests, "too_many_requests")
	expect(t, "no refresh token", d.refresh(t, "ert_x"), http.StatusBadRequest, "invalid_grant")
	expect(t, "an altered token", d.me(t, next.AccessToken+"x"), http.StatusForbidden, "")
	expect(t, "the token", d.me(t, next.AccessToken), http.StatusOK, "")
	asked := d.send(t, http.MethodPost, "/auth/code", map[string]any{"email": email, "purpose": "login"}, "")
	guess := map[string]any{"auth_session": asked.AuthSession, "code": "12345678"}
	expect(t, "a wrong code", d.send(t, http.MethodPost, "/auth/code/verify", guess, ""), http.StatusBadRequest, "invalid_code")
	d.send(t, http.MethodPost, "/auth/login", "no object", "")
	d.send(t, http.MethodPost, "/auth/logout", map[string]any{"token": 1}, "")

	byClients := d.measured(t)
	if byClients["faults"]+byClients["store_errors"] > 0 {
		t.Errorf("clients raised a fault: %v", byClients)
	}
	for name, want := range map[string]float64{"logins": 1, "refreshes": 1, "reuse": 1, "refresh_forged": 1, "authz_allowed": 1, "authz_unauthenticated": 1} {
		if byClients[name] != want {
			t.Errorf("%s is %v, want %v", name, byClients[name], want)
		}
	}

	expect(t, "a store that is down", d.money(t, next.AccessToken), http.StatusInternalServerError, "")
	if _, err := d.function("authorizer").Invoke(t.Context(), []byte(`{"of":"no gateway"}`)); err != nil {
		t.Error(err)
	}
	message, err := mail.Message{Kind: mail.KindLogin, To: email, Code: auth.NewSecret("12345678"), Reference: "BCDF"}.Event()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.function("mailer").Invoke(t.Context(), message); err == nil {
		t.Error("the mailer sent a mail to a server that is down")
	}
	for _, report := range []string{`"eventType":"Bounce","bounce":{"bounceType":"Permanent"}`, `"eventType":"Complaint","complaint":{}`} {
		event := `{"source":"aws.ses","detail":{` + report + `,"mail":{"destination":["` + email + `"]}}}`
		if _, err := d.function("mailer").Invoke(t.Context(), []byte(event)); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.function("mailer").Invoke(t.Context(), message); err != nil { // it is held back: the address bounced
		t.Error(err)
	}
	moved := d.measured(t)
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	alarms := regexp.MustCompile(`(?m)^      Namespace: !Sub edgeauth/.*\n      MetricName: (\w+)(?:\n      Dimensions: \[\{Name: event, Value: (\w+)\}\])?$`).FindAllStringSubmatch(string(template), -1)
	if len(alarms) < 12 {
		t.Fatalf("the template has the alarms %q", alarms)
	}
	for _, alarm := range alarms {
		if metric := strings.TrimSpace(alarm[1] + " " + alarm[2]); moved[metric] <= 0 {
			t.Errorf("nothing moved %s, which an alarm watches: %v", metric, slices.Sorted(maps.Keys(moved)))
		}
	}
	if !strings.Contains(d.function("authorizer").Log(), `"function":"authorizer","version":"$LATEST"`) {
		t.Error("a fault does not name its version")
	}
}
