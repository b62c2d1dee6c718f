package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/internal/stopwatch"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/test/emf"
)

// written returns the metrics of one line, as name=sum or name{dimension=value}=sum, in order.
func written(t *testing.T, ctx context.Context, e audit.Event) []string {
	t.Helper()
	var out bytes.Buffer
	at := time.Date(2026, 5, 1, 12, 0, 0, 125_000_000, time.UTC)
	audit.New(audit.Metered(&out, "edgeauth/prod"), func() time.Time { return at }).Write(ctx, e)
	data, problems := emf.Read(bytes.TrimSpace(out.Bytes()))
	for _, p := range problems {
		t.Errorf("%s: %s", p, &out)
	}
	got := []string{}
	for _, d := range data {
		var of []string
		for name, value := range d.Dimensions {
			of = append(of, name+"="+value)
		}
		slices.Sort(of)
		name := d.Name
		if len(of) > 0 {
			name += "{" + strings.Join(of, ",") + "}"
		}
		got = append(got, fmt.Sprintf("%s=%g", name, d.Sum()))
		if d.Namespace != "edgeauth/prod" || !d.At.Equal(at) {
			t.Errorf("%s at %v: %s", d.Namespace, d.At, &out)
		}
	}
	return got
}

// TestMetrics checks what each line adds to which metric.
func TestMetrics(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "edgeauth-RefreshFunction-x")
	t.Setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
	down, broken := fmt.Errorf("users: %w", auth.ErrUnavailable), errors.New("a ring is malformed")
	all := ""
	for _, row := range []struct {
		event audit.Event
		want  string
	}{
		{audit.Event{Name: audit.LoginSuccess, ClientID: "web"}, "logins=1 logins{client_id=web}=1"},
		{audit.Event{Name: audit.LoginFail, Outcome: "invalid_credentials", Reason: "wrong_password"}, "login_wrong_password=1"},
		{audit.Event{Name: audit.LoginFail, Outcome: "invalid_credentials", Reason: "unknown"}, "login_unknown_account=1"},
		{audit.Event{Name: audit.LoginFail, Outcome: "invalid_credentials", Reason: "disabled"}, "login_denied=1"},
		{audit.Event{Name: audit.LoginFail, Outcome: "not_invited", Reason: "denied"}, "login_denied=1"},
		{audit.Event{Name: audit.LoginFail, Outcome: "password_change_required"}, "login_denied=1"},
		{audit.Event{Name: audit.LoginFail, Outcome: "too_many_requests", Reason: "throttled"}, "throttled=1"},
		{audit.Event{Name: audit.LoginFail, Outcome: "invalid_request"}, ""},
		{audit.Event{Name: audit.LoginFail, Outcome: "temporarily_unavailable", Fault: down},
			"store_errors=1 store_errors{function=edgeauth-RefreshFunction-x,version=7}=1"},
		{audit.Event{Name: audit.LoginSuccess, Fault: down}, "store_errors=1 logins=1 " +
			"store_errors{function=edgeauth-RefreshFunction-x,version=7}=1"},
		{audit.Event{Name: audit.PasswordChange}, "password_changes=1"},
		{audit.Event{Name: audit.PasswordChangeFail, Outcome: "invalid_credentials", Reason: "wrong_password"}, "login_wrong_password=1"},
		{audit.Event{Name: audit.ReauthenticationFail, Outcome: "invalid_credentials", Reason: "wrong_password"}, "login_wrong_password=1"},
		{audit.Event{Name: audit.ReauthenticationFail, Outcome: "invalid_token", Reason: "expired"}, ""},
		{audit.Event{Name: audit.Reauthentication}, ""},
		{audit.Event{Name: audit.UserCreated, ClientID: "web"}, "signups=1 signups{client_id=web}=1"},
		{audit.Event{Name: audit.CodeAsked, Outcome: "none", Reason: "limit"}, "codes_requested=1 mails_held=1"},
		{audit.Event{Name: audit.CodeAsked, Outcome: "none", Reason: "limit", MailClass: "budget"}, "codes_requested=1 mails_held=1 " +
			"codes_requested{mail_class=budget}=1 mails_held{mail_class=budget}=1"},
		{audit.Event{Name: audit.CodeAskFail, Outcome: "temporarily_unavailable", MailClass: "signup", Fault: down},
			"store_errors=1 store_errors{function=edgeauth-RefreshFunction-x,version=7}=1"},
		{audit.Event{Name: audit.CodeAskFail, Outcome: "too_many_requests"}, "throttled=1"},
		{audit.Event{Name: audit.CodeFail, Outcome: "invalid_code", Reason: "wrong_code"}, "wrong_codes=1"},
		{audit.Event{Name: audit.CodeFail, Outcome: "invalid_session", Reason: "wrong_code"}, "wrong_codes=1"},
		{audit.Event{Name: audit.CodeFail, Outcome: "invalid_session", Reason: "expired"}, ""},
		{audit.Event{Name: audit.SessionRenewed, Outcome: "rotated"}, "refreshes=1"},
		{audit.Event{Name: audit.SessionRenewed, Outcome: "same"}, "refreshes=1 refresh_same=1"},
		{audit.Event{Name: audit.SessionRenewed, Outcome: "duplicate"}, "refreshes=1 refresh_duplicate=1"},
		{audit.Event{Name: audit.SessionRenewed, Outcome: "recovered"}, "refreshes=1 refresh_recovered=1"},
		{audit.Event{Name: audit.SessionRenewed, Outcome: "extended"}, "refreshes=1 refresh_extended=1"},
		{audit.Event{Name: audit.SessionRenewed, Outcome: "restored"}, "refreshes=1 refresh_restored=1"},
		{audit.Event{Name: audit.SessionExpired, Outcome: "idle"}, "refresh_expired=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "revoked", Reason: "logout"}, "refresh_ended=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "revoked", Reason: "step_up"}, "refresh_ended=1 false_logout_candidates=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "key_dropped"}, "refresh_ended=1 false_logout_candidates=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "subject_superseded"}, "refresh_ended=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "unknown_client"}, "refresh_denied=1 false_logout_candidates=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "forged"}, "refresh_forged=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "wider_scope"}, "refresh_denied=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "reauth", Signals: auth.Signals()[:1]}, "refresh_reauth=1 signal_network_changed=1"},
		{audit.Event{Name: audit.SessionRenewed, Outcome: "same", Signals: auth.Signals()}, "refreshes=1 signal_network_changed=1 signal_two_networks=1 " +
			"signal_user_agent_changed=1 signal_country_changed=1 signal_impossible_travel=1 refresh_same=1"},
		{audit.Event{Name: audit.TokenReuse, Outcome: "reuse", Signals: auth.Signals()[1:2]}, "reuse=1 false_logout_candidates=1 signal_two_networks=1"},
		{audit.Event{Name: audit.SessionRenewFail, Outcome: "behind", Fault: broken}, "faults=1 faults{function=edgeauth-RefreshFunction-x,version=7}=1"},
		{audit.Event{Name: audit.TokenReuse, Outcome: "fork", ClientID: "web"}, "reuse=1 false_logout_candidates=1 reuse{client_id=web}=1 false_logout_candidates{client_id=web}=1"},
		{audit.Event{Name: audit.TokenRevoked, Outcome: "logged_out"}, "ended_by_logout=1"},
		{audit.Event{Name: audit.TokenRevoked, Outcome: "ended_all", Reason: "user"}, "ended_by_user=1"},
		{audit.Event{Name: audit.TokenRevoked, Outcome: "ended", Reason: "step_up"}, "ended_by_step_up=1"},
		{audit.Event{Name: audit.TokenRevoked, Outcome: "ended", Reason: "evicted"}, "ended_by_limit=1"},
		{audit.Event{Name: audit.TokenRevokeFail, Outcome: "missing"}, ""},
		{audit.Event{Name: audit.SessionsRead}, ""},
		{audit.Event{Name: audit.AuthzAllow, ClientID: "web", Count: 20}, "authz_allowed=20 authz_allowed{client_id=web}=20"},
		{audit.Event{Name: audit.AuthzAllow, ClientID: "theirs", ForeignClient: true}, "authz_allowed=1"},
		{audit.Event{Name: audit.AuthzFail, Outcome: "unauthenticated", Reason: "expired"}, "authz_unauthenticated=1"},
		{audit.Event{Name: audit.AuthzFail, Outcome: "forbidden", Reason: "missing_role"}, "authz_forbidden=1"},
		{audit.Event{Name: audit.AuthzFail, Outcome: "fault", Fault: broken}, "faults=1 faults{function=edgeauth-RefreshFunction-x,version=7}=1"},
		{audit.Event{Name: audit.MailSent, Outcome: "reset"}, "mails_sent=1"},
		{audit.Event{Name: audit.MailHeld, Outcome: "reset", Reason: "suppressed"}, "mails_held=1"},
		{audit.Event{Name: audit.MailFail, Outcome: "reset", Reason: "unreachable"}, "mails_failed=1"},
		{audit.Event{Name: audit.MailFail, Outcome: "reset", Reason: "sender", Fault: broken}, "faults=1 faults{function=edgeauth-RefreshFunction-x,version=7}=1"},
		{audit.Event{Name: audit.MailBounced, Reason: "soft_bounce"}, "mail_bounces=1"},
		{audit.Event{Name: audit.MailBounced, Reason: "complaint"}, "mail_complaints=1"},
		{audit.Event{Name: audit.Startup, KeyAge: 36 * time.Hour}, "key_age_days=1.5"},
	} {
		got := strings.Join(written(t, t.Context(), row.event), " ")
		if got != row.want {
			t.Errorf("%s %s %s:\ngot  %s\nwant %s", row.event.Name, row.event.Outcome, row.event.Reason, got, row.want)
		}
		all += " " + got
	}
	source, err := os.ReadFile("metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`Metric = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		if measured := strings.HasSuffix(m[1], "_ms"); !measured && !strings.Contains(all, " "+m[1]+"=") { // TestDurations has those
			t.Errorf("no event adds to %s", m[1])
		}
	}
}

// TestFaultsOutsideLambda: outside of Lambda, the metrics of a fault have no version.
func TestFaultsOutsideLambda(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "")
	if got := written(t, t.Context(), audit.Event{Name: audit.AuthzFail, Outcome: "fault", Fault: errors.New("x")}); !slices.Equal(got, []string{"faults=1"}) {
		t.Errorf("%q", got)
	}
}

// TestDurations: the first line of a request has its duration, and the durations of the calls of
// the store. They are metrics of successful logins and refreshes, and of requests that a session
// authorizer allows.
func TestDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, want := range map[audit.Name]string{
			audit.LoginSuccess:   "logins=1 duration_ms{event=authn_login_success}=7.5 store_ms{event=authn_login_success}=5.5",
			audit.SessionRenewed: "refreshes=1 duration_ms{event=session_renewed}=7.5 store_ms{event=session_renewed}=5.5",
			audit.AuthzAllow:     "authz_allowed=1 duration_ms{event=authz_allow}=7.5 store_ms{event=authz_allow}=5.5",
			audit.SessionExpired: "refresh_expired=1",
		} {
			ctx := stopwatch.Start(t.Context())
			for _, d := range []time.Duration{2 * time.Millisecond, 3500 * time.Microsecond} {
				done := stopwatch.Call(ctx)
				time.Sleep(d)
				done()
			}
			time.Sleep(2 * time.Millisecond)
			if got := strings.Join(written(t, ctx, audit.Event{Name: name}), " "); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
			again := written(t, ctx, audit.Event{Name: name})
			if slices.ContainsFunc(again, func(m string) bool { return strings.Contains(m, "_ms") }) {
				t.Errorf("%s: the second line of a request has the duration again: %s", name, again)
			}
		}
		ctx := stopwatch.Start(t.Context())
		time.Sleep(time.Millisecond)
		if got := written(t, ctx, audit.Event{Name: audit.AuthzAllow}); !slices.Equal(got, []string{"authz_allowed=1"}) {
			t.Errorf("the authorizer without a store: %q", got)
		}
	})
}

// TestUnmetered: without a namespace a line has no metrics, and the writer is the one that was given.
func TestUnmetered(t *testing.T) {
	var out bytes.Buffer
	audit.New(audit.Metered(&out, ""), nil).Write(t.Context(), audit.Event{Name: audit.LoginSuccess})
	if data, problems := emf.Read(bytes.TrimSpace(out.Bytes())); len(data)+len(problems) > 0 || strings.Contains(out.String(), "logins") {
		t.Errorf("%s", &out)
	}
	if audit.New(audit.Metered(nil, "edgeauth"), nil) != nil {
		t.Error("nil with metrics writes")
	}
}

// TestBytes prints what metrics add to a line (docs/audit.md).
func TestBytes(t *testing.T) {
	for name, e := range map[string]audit.Event{
		"a login":   {Name: audit.LoginSuccess},
		"a refresh": {Name: audit.SessionRenewed, Outcome: "rotated"},
		"an allow":  {Name: audit.AuthzAllow, Outcome: "allow", Reason: "ok"},
		"a refusal": {Name: audit.AuthzFail, Outcome: "unauthenticated", Reason: "expired"},
	} {
		e.RequestID, e.SubjectID, e.SessionID, e.ClientID = "JKJaXmPLvHcESHA=", "1b671a64-40d5-491e-99b0-da01ff1f3341", "Qk3sYhA2m0oJ9c1b7d5e6g", "default"
		size := func(metrics string) int {
			var out bytes.Buffer
			ctx := stopwatch.Start(t.Context())
			if e.Name != audit.AuthzAllow && e.Name != audit.AuthzFail {
				for range 2 {
					done := stopwatch.Call(ctx)
					time.Sleep(time.Millisecond)
					done()
				}
			}
			time.Sleep(time.Millisecond)
			audit.New(audit.Metered(&out, metrics), nil).Write(ctx, e)
			return out.Len()
		}
		t.Logf("%s: %d bytes, with metrics %d", name, size(""), size("edgeauth/edgeauth"))
	}
}
