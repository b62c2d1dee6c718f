package authorizer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	issuer   = "https://auth.example"
	audience = "https://api.example"
)

var now = time.Unix(1_700_000_000, 0)

// newAuthority returns the issuer of the events' tokens. Its clock is stopped at now.
func newAuthority(tb testing.TB) *authtest.Authority {
	tb.Helper()
	return authtest.New(tb, authtest.Config{Issuer: issuer, Audience: []string{audience}, Algorithm: token.EdDSA, Start: now})
}

// tokenAt returns a token that the authority issues at this time. It is valid for ten minutes.
func tokenAt(authority *authtest.Authority, at time.Time) string {
	authority.Clock.Set(at)
	defer authority.Clock.Set(now)
	return authority.Token("u1", func(g *token.Grant) {
		g.Subject.Roles, g.Scope = []string{"admin", "ops"}, []string{"read", "write"}
		g.SessionID, g.Client = "s1", "web"
		g.TokenVersion = 7
		g.AuthTime, g.NotAfter = at.Add(-time.Hour), at.Add(10*time.Minute)
	})
}

// badToken returns the bad token of this name.
func badToken(tb testing.TB, authority *authtest.Authority, name string) string {
	tb.Helper()
	for _, bad := range authority.BadTokens("u1") {
		if bad.Name == name {
			return bad.Text
		}
	}
	tb.Fatalf("no bad token %q", name)
	return ""
}

// newAuthorizer returns an authorizer that differs from the usual one.
// verifies verifies the access tokens of an authorizer.
type verifies interface {
	VerifyBytes(ctx context.Context, text []byte) (token.Claims, error)
}

func newAuthorizer(tb testing.TB, v verifies, change func(*authorizer.Config)) *authorizer.Authorizer {
	tb.Helper()
	c := authorizer.Config{Verifier: v, HTTPResponse: config.ResponseSimple, Now: func() time.Time { return now }}
	change(&c)
	a, err := authorizer.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

const routeARN = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/GET/me"

// event returns an HTTP API 2.0 event with the given headers, a JSON object.
func event(headers string) string {
	return `{"version":"2.0","type":"REQUEST","routeArn":"` + routeARN + `","identitySource":["x"],
		"routeKey":"GET /me","rawPath":"/me","rawQueryString":"","headers":` + headers + `,
		"requestContext":{"accountId":"123456789012","requestId":"r1","stage":"$default","authentication":null}}`
}

const (
	stageARN = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/*"
	yesOf    = `{"auth_time":"1699996400","client_id":"web","exp":"1700000600","roles":"admin ops",` +
		`"scope":"read write","sid":"s1","sub":"u1","tv":"7"}`
	simpleYes = `{"isAuthorized":true,"context":` + yesOf + `}`
	simpleNo  = `{"isAuthorized":false}`
)

func policy(principal, effect, resource string) string {
	return `{"principalId":"` + principal + `","policyDocument":{"Version":"2012-10-17","Statement":` +
		`[{"Action":"execute-api:Invoke","Effect":"` + effect + `","Resource":"` + resource + `"}]}`
}

var (
	iamYes = policy("u1", "Allow", stageARN) + `,"context":` + yesOf + `}`
	iamNo  = policy("unauthenticated", "Deny", stageARN) + `}`
)

// TestInvoke sends raw events to authorizers with both response formats. $good, $other and $old in
// an event stand for tokens.
func TestInvoke(t *testing.T) {
	authority := newAuthority(t)
	tokens := strings.NewReplacer(
		"$good", tokenAt(authority, now),
		"$old", tokenAt(authority, now.Add(-time.Hour)),
		"$foreign", badToken(t, authority, "wrong audience"),
		"$forged", badToken(t, authority, "unknown kid"),
	)
	const yes, no, fault = "allow", "unauthenticated", "fault"
	for _, row := range []struct{ name, event, outcome, reason string }{
		{"good", event(`{"authorization":"Bearer $good"}`), yes, "ok"},
		{"names and scheme in any case", event(`{"Authorization":"bEARER $good"}`), yes, "ok"},
		{"among others", event(`{"accept":"*/*","authorization":"Bearer $good","x-authorization":"Bearer $old"}`), yes, "ok"},
		{"the same one twice", event(`{"authorization":"Bearer $good","Authorization":"Bearer $good"}`), yes, "ok"},
		{"a null beside it", event(`{"authorization":"Bearer $good","Authorization":null}`), yes, "ok"},

		{"no headers", event(`{}`), no, "no_token"},
		{"null headers", event(`null`), no, "no_token"},
		{"null header", event(`{"authorization":null}`), no, "no_token"},
		{"empty header", event(`{"authorization":""}`), no, "no_token"},
		{"another scheme", event(`{"authorization":"Basic dTpw"}`), no, "not_bearer"},
		{"no scheme", event(`{"authorization":"$good"}`), no, "not_bearer"},
		{"a tab", event(`{"authorization":"Bearer\t$good"}`), no, "not_bearer"},
		{"leading space", event(`{"authorization":" Bearer $good"}`), no, "not_bearer"},
		{"no token", event(`{"authorization":"Bearer "}`), no, "malformed_header"},
		{"only the scheme", event(`{"authorization":"Bearer"}`), no, "malformed_header"},
		{"two spaces", event(`{"authorization":"Bearer  $good"}`), no, "malformed_header"},
		{"trailing space", event(`{"authorization":"Bearer $good "}`), no, "malformed_header"},
		{"joined by the gateway", event(`{"authorization":"Bearer $good,Bearer $old"}`), no, "several_tokens"},
		{"the same joined", event(`{"authorization":"Bearer $good, Bearer $good"}`), no, "several_tokens"},
		{"two names", event(`{"authorization":"Bearer $good","Authorization":"Bearer $old"}`), no, "several_tokens"},
		{"two names, a null between", event(`{"authorization":"Bearer $good","AUTHORIZATION":null,"Authorization":"Bearer $old"}`), no, "several_tokens"},
		{"two schemes", event(`{"authorization":"Bearer $good","Authorization":"Basic x"}`), no, "not_bearer"},
		{"only the identity source", strings.Replace(event(`{}`), `["x"]`, `["Bearer $good"]`, 1), no, "no_token"},

		{"expired", event(`{"authorization":"Bearer $old"}`), no, string(token.ReasonExpired)},
		{"forged", event(`{"authorization":"Bearer $forged"}`), no, string(token.ReasonUnknownKey)},
		{"another audience", event(`{"authorization":"Bearer $foreign"}`), no, string(token.ReasonWrongAudience)},
		{"a line feed in it", event(`{"authorization":"Bearer $good\n"}`), no, string(token.ReasonMalformed)},
		{"junk", event(`{"authorization":"Bearer x"}`), no, string(token.ReasonMalformed)},

		{"nothing", ``, fault, "unknown_event"},
		{"null", `null`, fault, "unknown_event"},
		{"empty", `{}`, fault, "unknown_event"},
		{"not an object", `[]`, fault, "unknown_event"},
		{"version alone", `{"version":"2.0","headers":{"authorization":"Bearer $good"}}`, fault, "unknown_event"},
		{"no routeArn", strings.Replace(event(`{"authorization":"Bearer $good"}`), routeARN, "", 1), fault, "unknown_event"},
		{"null type", strings.Replace(event(`{"authorization":"Bearer $good"}`), `"REQUEST"`, "null", 1), fault, "unknown_event"},
		{"a number for a type", strings.Replace(event(`{"authorization":"Bearer $good"}`), `"REQUEST"`, "1", 1), fault, "unknown_event"},
		{"both kinds of ARN", strings.Replace(event(`{"authorization":"Bearer $good"}`), `"routeKey"`, `"methodArn":"x","routeKey"`, 1), fault, "unknown_event"},
		{"a name twice", strings.Replace(event(`{"authorization":"Bearer $good"}`), `"version"`, `"version":"1.0","version"`, 1), fault, "unknown_event"},
		{"a header twice", event(`{"authorization":"Bearer $good","authorization":"Bearer $good"}`), fault, "unknown_event"},
		{"a header that is no string", event(`{"authorization":["Bearer $good"]}`), fault, "unknown_event"},
		{"headers of another type", event(`"authorization"`), fault, "unknown_event"},
		{"a context of another type", `{"requestContext":[]}`, fault, "unknown_event"},
	} {
		for _, form := range []struct{ name, yes, no string }{{"simple", simpleYes, simpleNo}, {"iam", iamYes, iamNo}} {
			t.Run(row.name+" "+form.name, func(t *testing.T) {
				var log bytes.Buffer
				a := newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) {
					c.HTTPResponse, c.Log = form.name, &log
				})
				got, err := a.Invoke(context.Background(), []byte(tokens.Replace(row.event)))
				want := map[string]string{yes: form.yes, no: form.no, fault: simpleNo}[row.outcome]
				if err != nil || string(got) != want {
					t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
				}
				checkLine(t, log.Bytes(), row.outcome, row.reason)
				claim := map[string]string{string(token.ReasonExpired): "exp", string(token.ReasonWrongAudience): "aud"}[row.reason]
				if got := claimIn(t, log.Bytes()); got != claim {
					t.Errorf("the line names the claim %q, want %q", got, claim)
				}
			})
		}
	}
}

// claimIn returns the claim that an audit line names.
func claimIn(t *testing.T, line []byte) string {
	t.Helper()
	var got struct{ Claim string }
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	return got.Claim
}

// checkLine checks that a decision is logged as one line with outcome and reason. The line has a
// subject only after verification, and it never contains the token.
func checkLine(t *testing.T, text []byte, outcome, reason string) {
	t.Helper()
	var line struct{ Level, Event, Outcome, Reason, Sub, Sid, Fault string }
	if err := json.Unmarshal(text, &line); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	name, level := "authz_fail", "WARN"
	switch outcome {
	case "allow":
		name, level = "authz_allow", "INFO"
	case "fault":
		level = "ERROR"
	}
	known := line.Sub == "u1" && line.Sid == "s1"
	if line.Event != name || line.Level != level || line.Outcome != outcome || line.Reason != reason || known != (outcome == "allow") {
		t.Errorf("logged %s", text)
	}
	if bytes.Contains(text, []byte("eyJ")) || bytes.Count(text, []byte("\n")) != 1 {
		t.Errorf("logged %s", text)
	}
}

// failing is a verifier whose keys are unavailable.
type failing struct{ err error }

func (f failing) VerifyBytes(context.Context, []byte) (token.Claims, error) {
	return token.Claims{}, f.err
}

func TestKeySourceFails(t *testing.T) {
	for _, err := range []error{fmt.Errorf("keys: %w", auth.ErrUnavailable), context.DeadlineExceeded} {
		var log bytes.Buffer
		a, newErr := authorizer.New(authorizer.Config{
			Verifier: failing{err}, HTTPResponse: config.ResponseIAM, Log: &log,
		})
		if newErr != nil {
			t.Fatal(newErr)
		}
		got, invokeErr := a.Invoke(context.Background(), []byte(event(`{"authorization":"Bearer x"}`)))
		if invokeErr != nil || string(got) != simpleNo {
			t.Errorf("%v: %s %v", err, got, invokeErr)
		}
		checkLine(t, log.Bytes(), "fault", "keys_unavailable")
	}
}

func TestNewRefusals(t *testing.T) {
	authority := newAuthority(t)
	for _, c := range []authorizer.Config{
		{},
		{Verifier: authority.Verifier, Deny: "policy"},
		{Verifier: authority.Verifier, HTTPResponse: "IAM"},
		{HTTPResponse: config.ResponseSimple},
	} {
		if a, err := authorizer.New(c); err == nil || a != nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func BenchmarkInvoke(b *testing.B) {
	authority := newAuthority(b)
	a := newAuthorizer(b, authority.Verifier, func(c *authorizer.Config) { c.HTTPResponse = config.ResponseSimple })
	text := []byte(event(`{"accept":"*/*","host":"api.example","user-agent":"curl/8","authorization":"Bearer ` + tokenAt(authority, now) + `"}`))
	b.ReportAllocs()
	for b.Loop() {
		if answer, err := a.Invoke(context.Background(), text); err != nil || len(answer) < 30 {
			b.Fatal(string(answer), err)
		}
	}
}
