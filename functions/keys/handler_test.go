package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	standin "github.com/edgeauth/edgeauth/test/secretsmanager"
)

// CloudFormation may write a number as a number or as a text. Both mean the same.
func TestNumbersAsProperties(t *testing.T) {
	s := newStack(t)
	first := s.create()
	s.properties = maps.Clone(s.deployed)
	s.properties[keyVersion], s.properties["ServiceTimeout"] = 1, 300
	if r := s.create(); r.Status != "SUCCESS" || !maps.Equal(r.Data, first.Data) {
		t.Errorf("%s %s %v", r.Status, r.Reason, r.Data)
	}
}

func TestCreate(t *testing.T) {
	for _, algorithm := range []string{"", "RS256", "ES256", "EdDSA"} {
		t.Run("algorithm "+algorithm, func(t *testing.T) {
			s := newStack(t)
			s.properties[signingAlgorithm] = algorithm
			r := s.create()
			if r.Status != "SUCCESS" || r.PhysicalResourceId != "edgeauth-keys-"+guid || r.LogicalResourceId != "Keys" || r.Data["KeyVersion"] != "1" {
				t.Fatalf("%+v", r)
			}
			signing, refresh := s.stored()
			kids := []string{s.signs(1), s.signs(2)}
			if !slices.Equal(r.kids(t), kids) || signing.Current() != 1 || refresh.Current() != 1 || len(refresh.Keys) != 2 {
				t.Errorf("%v of %v", r.kids(t), signing.Versions())
			}
			if want := cmpOr(algorithm, "RS256"); signing.Keys[2].Signing.Algorithm() != token.Algorithm(want) {
				t.Errorf("the keys are for %s", signing.Keys[2].Signing.Algorithm())
			}
			if stamp := r.Data["Stamp"]; len(stamp) < 20 || len(stamp) > 64 || strings.Trim(stamp, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				t.Errorf("the stamp is %q", stamp)
			}
			if len(r.Data["Jwks"]) > 2800 || r.size > 4096 {
				t.Errorf("%d bytes of keys in an answer of %d", len(r.Data["Jwks"]), r.size)
			}
			s.keepsSecrets()
		})
	}
}

func cmpOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// The answer goes to the signed URL and follows no redirect.
func TestAnswerFollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer elsewhere.Close()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusSeeOther, http.StatusTemporaryRedirect} {
		at := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		h := newHandler(ownStack, at.URL, "arm64", awsclient.Config{}, awsclient.Config{})
		h.sleep = func(context.Context, time.Duration) {}
		if err := h.put(t.Context(), at.URL, &cfn.Response{}); err == nil {
			t.Errorf("%d counts as an answer that arrived", status)
		}
		at.Close()
	}
}

// The longest answer has three RSA keys.
func TestAnswerFits(t *testing.T) {
	s := newStack(t)
	s.properties[signingAlgorithm] = "RS256"
	s.create()
	s.now = s.now.Add(3 * time.Hour)
	r := s.update(keyVersion, "2")
	if len(r.kids(t)) != 3 || len(r.Data["Jwks"]) > 2800 || r.size > 4096 {
		t.Errorf("%s: %d keys in %d bytes, the answer has %d", r.Status, len(r.kids(t)), len(r.Data["Jwks"]), r.size)
	}
	t.Logf("%d bytes of keys in an answer of %d", len(r.Data["Jwks"]), r.size)
}

// A step that would make verifiers refuse valid tokens is refused. The reason names the right
// number, no ring changes, and the rollback succeeds.
func TestForbiddenSteps(t *testing.T) {
	rotated := func(s *stack) {
		s.now = s.now.Add(3 * time.Hour)
		s.update(keyVersion, "2")
		s.now = s.now.Add(10 * time.Minute)
	}
	for name, row := range map[string]struct {
		before func(*stack)
		pairs  []string
		want   []string
	}{
		"a rotation right after the first deployment": {nil, []string{keyVersion, "2"},
			[]string{"signing ring: KeyVersion 2 is refused: its key is published since 2026-01-02T03:04:05Z", "use KeyVersion 1 until 2026-01-02T06:04:05Z"}},
		"two rotations ten minutes apart": {rotated, []string{keyVersion, "3"},
			[]string{"KeyVersion 3 is refused", "use KeyVersion 2 until 2026-01-02T09:04:05Z"}},
		"a jump forth": {rotated, []string{keyVersion, "4"}, []string{"KeyVersion 4 is refused", "use KeyVersion 3"}},
		"a jump back": {func(s *stack) {
			rotated(s)
			s.now = s.now.Add(3 * time.Hour)
			s.update(keyVersion, "3")
		}, []string{keyVersion, "1"}, []string{"use KeyVersion 2"}},
		"two steps back": {func(s *stack) {
			rotated(s)
			s.now = s.now.Add(3 * time.Hour)
			s.update(keyVersion, "3")
			s.update(keyVersion, "2")
		}, []string{keyVersion, "1"}, []string{"sessions hold tokens of version 3", "use KeyVersion 2 until 2027-02-06"}},
		"a kid that does not exist": {nil, []string{keyVersion, "2", dropKeys, strings.Repeat("A", 43)}, []string{"DropKeys: no key has the id", "AAA"}},
		"a secret without a ring": {func(s *stack) { s.deployed["Another"] = s.service.Add("another") },
			[]string{refreshKeysARN, "Another"}, []string{"RefreshKeysArn: the secret arn:", "holds no keys"}},
		"a secret without a login ring": {func(s *stack) { s.deployed["Another"] = s.service.Add("another") },
			[]string{loginRingARN, "Another"}, []string{"LoginRingArn: the secret arn:", "holds no keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			s.create()
			if row.before != nil {
				row.before(s)
			}
			if arn, ok := s.deployed[row.pairs[1]].(string); ok {
				row.pairs[1] = arn
			}
			before := s.update("Issuer", "https://other.example.com")
			signing, refresh := s.stored()
			r := s.update(row.pairs...)
			if r.Status != "FAILED" || len(r.Data) != 0 || r.PhysicalResourceId != "edgeauth-keys-"+guid {
				t.Fatalf("%+v", r)
			}
			for _, part := range row.want {
				if !strings.Contains(r.Reason, part) {
					t.Errorf("the reason is %q, which lacks %q", r.Reason, part)
				}
			}
			signingNow, refreshNow := s.stored()
			signing.Requests, signingNow.Requests = nil, nil // the rollback is recorded
			signing.Serial = signingNow.Serial
			if textOf(t, signing) != textOf(t, signingNow) || textOf(t, refresh) != textOf(t, refreshNow) {
				t.Error("the rings have changed")
			}
			after := s.update("Issuer", "https://other.example.com")
			if after.Status != "SUCCESS" || !maps.Equal(after.Data, before.Data) {
				t.Errorf("%v became %v", before.Data, after.Data)
			}
			s.keepsSecrets()
		})
	}
}

func textOf(t *testing.T, r keyrings.Ring) string {
	t.Helper()
	text, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

// A new stack takes over the rings of an earlier stack, at their number only.
func TestAdoption(t *testing.T) {
	s := newStack(t)
	s.create()
	for _, version := range []string{"2", "3"} {
		s.now = s.now.Add(3 * time.Hour)
		s.update(keyVersion, version)
	}
	if r := s.send(s.request("Delete", s.deployed, nil)); r.Status != "SUCCESS" {
		t.Fatal(r.Reason)
	}
	signing, _ := s.stored()
	s.become(nextStack)
	s.deployed[takeOverStack] = ownStack
	for _, version := range []string{"1", "2", "4"} {
		s.properties = maps.Clone(s.deployed)
		s.properties[keyVersion] = version
		if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, "use KeyVersion 3") {
			t.Errorf("KeyVersion %s: %s %s", version, r.Status, r.Reason)
		}
	}
	s.properties = s.deployed
	if r := s.create(); r.Status != "SUCCESS" || s.signs(3) != signing.Keys[3].Signing.ID() || len(r.kids(t)) != 3 {
		t.Errorf("%+v", r)
	}
	// One ring is lost. The other ring has the version at which the new ring continues.
	s.properties = maps.Clone(s.deployed)
	s.properties[signingRingARN] = s.service.Add("signing-again")
	r := s.create()
	if got, _ := s.stored(); r.Status != "SUCCESS" || !slices.Equal(got.Versions(), []uint16{3, 4}) {
		t.Errorf("%s %s: %v", r.Status, r.Reason, got.Versions())
	}
}

func TestRotationAndRollback(t *testing.T) {
	s := newStack(t)
	first := s.create()
	s.now = s.now.Add(3 * time.Hour)
	second := s.update(keyVersion, "2", "Issuer", "https://new.example.com")
	if second.Status != "SUCCESS" || len(second.kids(t)) != 3 || !slices.Equal(second.kids(t)[:2], first.kids(t)) {
		t.Fatalf("%s %s", second.Status, second.Reason)
	}
	back := s.rollback()
	if !maps.Equal(back.Data, first.Data) {
		t.Errorf("the rollback answers %v, before it was %v", back.Data, first.Data)
	}
	signing, refresh := s.stored()
	if signing.Current() != 1 || refresh.Current() != 1 || signing.Keys[2].Retired.IsZero() || !signing.Keys[1].Retired.IsZero() {
		t.Errorf("the record is %v", signing.Keys)
	}
	again := s.update(keyVersion, "2", "Issuer", "https://new.example.com")
	if again.Status != "SUCCESS" || !maps.Equal(again.Data, second.Data) {
		t.Errorf("forth again: %s %s %v", again.Status, again.Reason, again.Data)
	}
	s.keepsSecrets()
}

// Lambda repeats a request whose answer was lost, immediately or hours later.
func TestRepetitions(t *testing.T) {
	s := newStack(t)
	first := s.create()
	created := s.last
	expectSame := func(event []byte, want reply) {
		t.Helper()
		before, _ := s.service.Text(s.deployed[signingRingARN].(string))
		got := s.send(event)
		after, _ := s.service.Text(s.deployed[signingRingARN].(string))
		if got.Status != want.Status || !maps.Equal(got.Data, want.Data) || before != after {
			t.Errorf("repeated: %s %s %v", got.Status, got.Reason, got.Data)
		}
	}
	expectSame(created, first)
	another := s.request("Create", s.properties, nil)
	if r := s.send(another); !maps.Equal(r.Data, first.Data) {
		t.Errorf("a second creation: %+v", r)
	}
	expectSame(another, first)
	s.now = s.now.Add(3 * time.Hour)
	s.update("Issuer", "https://new.example.com")
	harmless := s.last
	second := s.update(keyVersion, "2")
	moved := s.last
	expectSame(moved, second)
	// These requests are recent, but later requests were carried out. A repetition moves no ring.
	expectRefused := func(event []byte, why string) {
		t.Helper()
		before, _ := s.service.Text(s.deployed[signingRingARN].(string))
		got := s.send(event)
		after, _ := s.service.Text(s.deployed[signingRingARN].(string))
		if got.Status != "FAILED" || !strings.Contains(got.Reason, why) || before != after {
			t.Errorf("late: %s %s", got.Status, got.Reason)
		}
	}
	expectRefused(harmless, "a later request has changed the ring since")
	s.rollback()
	expectRefused(moved, "a later request has changed the ring since")
	// This request was never carried out, and arrives after the rollback of the stack.
	lost := s.request("Update", map[string]any{keyVersion: "2", signingRingARN: s.deployed[signingRingARN],
		refreshKeysARN: s.deployed[refreshKeysARN], loginRingARN: s.deployed[loginRingARN], accessTokenLifetime: "15m"}, s.deployed)
	s.now = s.now.Add(serviceTimeout)
	expectRefused(lost, "had given up")
	s.update(keyVersion, "2")
	expectRefused(created, "given up")
}

func TestDelete(t *testing.T) {
	s := newStack(t)
	deleted := s.request("Delete", map[string]any{"wrong": true}, nil)
	for _, before := range []func(){func() {}, func() { s.create() }, func() { s.service.Fail("", 1000, standin.Denied) }} {
		before()
		s.service.Calls()
		if r := s.send(deleted); r.Status != "SUCCESS" || r.PhysicalResourceId != "edgeauth-keys-"+guid {
			t.Errorf("%+v", r)
		}
		if calls := s.service.Calls(); len(calls) > 0 {
			t.Errorf("it called %v", calls)
		}
	}
	s.service.Heal()
	if signing, refresh := s.stored(); len(signing.Keys) != 2 || len(refresh.Keys) != 2 {
		t.Error("keys are gone")
	}
}

// Two concurrent creations make one set of rings, and both answers describe it.
func TestCreateTwiceAtOnce(t *testing.T) {
	for range 10 {
		s := newStack(t)
		s.handler.sleep = func(context.Context, time.Duration) {}
		events := [][]byte{s.request("Create", s.properties, nil), s.request("Create", s.properties, nil), s.request("Create", s.properties, nil)}
		var both sync.WaitGroup
		for _, event := range events {
			both.Go(func() {
				if _, err := s.handler.Invoke(t.Context(), event); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		s.deployed = s.properties
		signing, refresh := s.stored()
		if len(signing.Keys) != 2 || len(refresh.Keys) != 2 || refresh.Serial != 1 {
			t.Fatalf("%v, %v", signing.Versions(), refresh.Versions())
		}
		want := []string{s.signs(1), s.signs(2)}
		for _, body := range s.answers.bodies {
			var r reply
			if err := json.Unmarshal(body, &r); err != nil || r.Status != "SUCCESS" || !slices.Equal(r.kids(t), want) {
				t.Errorf("%s", body)
			}
		}
	}
}

// A fault of less than a minute is not visible. A longer fault is the reason in the answer.
func TestFaults(t *testing.T) {
	for name, f := range map[string]standin.Fault{
		"denied": standin.Denied, "throttled": standin.Throttled, "internal error": standin.InternalError, "lost": standin.Lost,
	} {
		for _, operation := range []string{"GetSecretValue", "PutSecretValue"} {
			t.Run(name+" of "+operation, func(t *testing.T) {
				t.Parallel()
				s := newStack(t)
				s.handler.secret = s.newHandler().secret
				s.service.Fail(operation, 7, f)
				begin := s.now
				r := s.create()
				if r.Status != "SUCCESS" || s.now.Sub(begin) > time.Minute {
					t.Fatalf("after %v: %s %s", s.now.Sub(begin), r.Status, r.Reason)
				}
				if kids := r.kids(t); kids[0] != s.signs(1) || kids[1] != s.signs(2) {
					t.Errorf("%v, and the ring holds others", kids)
				}
			})
		}
	}
	s := newStack(t)
	s.service.Fail("", 1<<20, standin.Denied)
	begin := s.now
	r := s.create()
	if waited := s.now.Sub(begin); r.Status != "FAILED" || waited < time.Minute || waited > 65*time.Second ||
		!strings.Contains(r.Reason, "this role may not read it (it needs secretsmanager:GetSecretValue") {
		t.Errorf("after %v: %s %s", waited, r.Status, r.Reason)
	}
	s.service.Heal()
	s.service.Lag(2)
	if r := s.create(); r.Status != "SUCCESS" || r.kids(t)[0] != s.signs(1) {
		t.Errorf("reads that are too old: %s %s", r.Status, r.Reason)
	}
}

// TestHalfDone ends the process between each two writes. The next request, a repetition or a
// rollback, completes or undoes the first request.
func TestHalfDone(t *testing.T) {
	for _, next := range []string{"repetition", "rollback"} {
		s := newStack(t)
		first := s.create()
		s.now = s.now.Add(3 * time.Hour)
		wish := maps.Clone(s.deployed)
		wish[keyVersion] = "2"
		event := s.request("Update", wish, s.deployed)
		// The refresh-token keys are written. Each later write fails.
		ctx, cancel := context.WithCancel(t.Context())
		s.handler.secret = func(arn string) keyrings.Source {
			source := s.newHandler().secret(arn)
			if arn == s.deployed[signingRingARN] {
				return dying{source, cancel}
			}
			return source
		}
		if _, err := s.handler.Invoke(ctx, event); err == nil {
			t.Fatal("a dead process answered")
		}
		s.handler.secret = s.newHandler().secret
		if signing, refresh := s.stored(); signing.Current() != 1 || refresh.Current() != 2 {
			t.Fatalf("it died at another place: %d, %d", signing.Current(), refresh.Current())
		}
		r, want := reply{}, keyrings.Version(1)
		if next == "repetition" {
			want = 2
			r = s.send(event)
		} else {
			r = s.send(s.request("Update", s.deployed, wish))
		}
		signing, refresh := s.stored()
		if r.Status != "SUCCESS" || signing.Current() != want || refresh.Current() != want || r.kids(t)[0] != first.kids(t)[0] {
			t.Errorf("%s: %s %s, %d and %d sign", next, r.Status, r.Reason, signing.Current(), refresh.Current())
		}
	}
}

type dying struct {
	keyrings.Source
	die func()
}

func (d dying) Save(ctx context.Context, _ auth.Secret) error {
	d.die()
	return ctx.Err()
}

// The answer was read after the last write, so it describes the rings that functions will find.
func TestAnswerWasRead(t *testing.T) {
	s := newStack(t)
	var calls []string
	s.handler.secret = func(arn string) keyrings.Source {
		return watched{s.newHandler().secret(arn), &calls}
	}
	s.create()
	if want := []string{"load", "load", "load", "save", "save", "save", "load", "load", "load"}; !slices.Equal(calls, want) {
		t.Errorf("%v, want %v", calls, want)
	}
}

type watched struct {
	keyrings.Source
	calls *[]string
}

func (w watched) Load(ctx context.Context) (auth.Secret, error) {
	*w.calls = append(*w.calls, "load")
	return w.Source.Load(ctx)
}

func (w watched) Save(ctx context.Context, text auth.Secret) error {
	*w.calls = append(*w.calls, "save")
	return w.Source.Save(ctx, text)
}

func TestDrop(t *testing.T) {
	s := newStack(t)
	first := s.create()
	leaked, next := first.kids(t)[0], first.kids(t)[1]
	r := s.update(keyVersion, "2", dropKeys, leaked) // minutes after the first deployment
	if r.Status != "SUCCESS" || slices.Contains(r.kids(t), leaked) || s.signs(2) != next {
		t.Fatalf("%s %s %v", r.Status, r.Reason, r.Data)
	}
	_, refresh := s.stored()
	if len(refresh.Keys) != 3 {
		t.Errorf("refresh-token keys %v", refresh.Versions())
	}
	back := s.rollback()
	if slices.Contains(back.kids(t), leaked) || s.signs(1) != next || back.Data["Stamp"] == first.Data["Stamp"] {
		t.Errorf("the rollback answers %v; %s signs", back.kids(t), s.signs(1))
	}
	forth := s.update(keyVersion, "2", dropKeys, leaked)
	if forth.Status != "SUCCESS" || !maps.Equal(forth.Data, r.Data) {
		t.Errorf("again: %s %s", forth.Status, forth.Reason)
	}
	if left := s.update("Issuer", "https://new.example.com"); left.Data["Jwks"] != r.Data["Jwks"] {
		t.Error("what is still written there was done again")
	}
	text, _ := s.service.Text(s.deployed[signingRingARN].(string))
	if strings.Contains(text, `"kid":"`+leaked) {
		t.Error("the leaked key is there")
	}

	all := s.update(dropKeys, "all")
	if all.Status != "SUCCESS" || len(all.kids(t)) != 3 {
		t.Fatalf("%s %s", all.Status, all.Reason)
	}
	for _, kid := range all.kids(t) {
		if slices.Contains(r.kids(t), kid) {
			t.Errorf("%s survived", kid)
		}
	}
	if left := s.update("Issuer", "https://other.example.com"); left.Data["Jwks"] != all.Data["Jwks"] {
		t.Error("all were dropped again")
	}
	if r := s.update(keyVersion, "3"); r.Status != "FAILED" || !strings.Contains(r.Reason, "clear it first") {
		t.Errorf("%s %s", r.Status, r.Reason)
	}
	s.update(dropKeys, "")
	if back := s.rollback(); back.Data["Jwks"] != all.Data["Jwks"] {
		t.Error("a rollback dropped all")
	}
	s.keepsSecrets()
}

// The algorithm applies only to new keys, so it takes effect at the second rotation.
func TestSigningAlgorithm(t *testing.T) {
	s := newStack(t)
	s.create()
	for i, want := range []string{"EdDSA", "EdDSA", "ES256"} {
		s.now = s.now.Add(3 * time.Hour)
		r := s.update(keyVersion, fmt.Sprint(i+1), signingAlgorithm, "ES256")
		signing, _ := s.stored()
		if got := signing.Keys[signing.Current()].Signing.Algorithm(); r.Status != "SUCCESS" || string(got) != want {
			t.Errorf("version %d: %s %s signs with %s", i+1, r.Status, r.Reason, got)
		}
	}
}

func TestStamp(t *testing.T) {
	s := newStack(t)
	first := s.create()
	for _, row := range []struct {
		name  string
		pairs []string
		same  bool
	}{
		{"nothing", nil, true},
		{"CloudFormation's own", []string{"ServiceToken", "arn:other", "ServiceTimeout", "299"}, true},
		{"another build", []string{"Build", "arn:function:keys:2"}, true},
		{"a value", []string{"Issuer", "https://new.example.com"}, false},
		{"a new value", []string{"Throttle", "1"}, false},
		{"another lifetime", []string{accessTokenLifetime, "10m"}, false},
	} {
		r := s.update(row.pairs...)
		if (r.Data["Stamp"] == first.Data["Stamp"]) != row.same || r.Status != "SUCCESS" {
			t.Errorf("%s: %s", row.name, r.Data["Stamp"])
		}
		s.rollback()
	}
}

func TestWrongProperties(t *testing.T) {
	for _, row := range []struct {
		name  string
		value any
		want  string
	}{
		{signingRingARN, "", "SigningRingArn is not set: it should hold the ARN of a secret"},
		{signingRingARN, "signing-ring", "SigningRingArn is wrong"},
		{signingRingARN, 5, "SigningRingArn is wrong"},
		{refreshKeysARN, nil, "RefreshKeysArn is not set"},
		{refreshKeysARN, "same", "and another than SigningRingArn"},
		{loginRingARN, nil, "LoginRingArn is not set"},
		{loginRingARN, "same", "and another than SigningRingArn and RefreshKeysArn"},
		{keyVersion, "", "KeyVersion is not set"},
		{keyVersion, "0", "KeyVersion is wrong: it should hold the version of the keys that signs, a whole number from 1 to 65534"},
		{keyVersion, "65535", "KeyVersion is wrong"},
		{keyVersion, "1.0", "KeyVersion is wrong"},
		{keyVersion, []string{"1"}, "KeyVersion is a list or an object: it should hold one value"},
		{signingAlgorithm, "HS256", "SigningAlgorithm is wrong: it should hold RS256, ES256 or EdDSA"},
		{dropKeys, "All", "DropKeys is wrong: it should hold nothing, all, or kids"},
		{dropKeys, strings.Repeat("a", 42), "DropKeys is wrong"},
		{dropKeys, strings.Repeat("a", 43) + ",", "DropKeys is wrong"},
		{accessTokenLifetime, "900", "AccessTokenLifetime is wrong: it should hold a duration from 1m0s to 1h0m0s"},
		{accessTokenLifetime, "2h", "AccessTokenLifetime is wrong"},
		{accessTokenLifetime, "", "AccessTokenLifetime is not set"},
		{keyVersion, 1.5, "KeyVersion is wrong"},
		{keyVersion, true, "KeyVersion is wrong"},
		{"Issuer", map[string]any{}, "Issuer is a list or an object"},
		{architecture, "", "Architecture is not set: it should hold arm64 or x86_64"},
		{architecture, "amd64", "Architecture is wrong: it should hold arm64 or x86_64"},
		{architecture, "x86_64", `Architecture is "x86_64", and the functions are built for arm64: build them with "make sam-build ARCH=amd64", or deploy with Architecture=arm64`},
		{keyVersion, "2", "there are no keys yet (want version 1); use KeyVersion 1"},
	} {
		s := newStack(t)
		s.properties[row.name] = row.value
		switch row.value {
		case nil:
			delete(s.properties, row.name)
		case "same":
			s.properties[row.name] = s.properties[signingRingARN]
		}
		if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, row.want) {
			t.Errorf("%s=%v: %s %s", row.name, row.value, r.Status, r.Reason)
		}
		if calls := s.service.Calls(); calls["PutSecretValue"] > 0 {
			t.Errorf("%s=%v: %v", row.name, row.value, calls)
		}
	}
	// All faults in one request.
	s := newStack(t)
	s.properties = map[string]any{}
	r := s.create()
	for _, name := range []string{signingRingARN, refreshKeysARN, loginRingARN, keyVersion, accessTokenLifetime, architecture} {
		if !strings.Contains(r.Reason, name+" is not set") {
			t.Errorf("%s is not in %q", name, r.Reason)
		}
	}
}

// TestAnswerInEveryCase checks that CloudFormation gets an answer to every request, and that the
// answer is not too long.
func TestAnswerInEveryCase(t *testing.T) {
	s := newStack(t)
	for name, row := range map[string]struct {
		change func(event map[string]any)
		want   string
	}{
		"an unknown request": {func(e map[string]any) { e["RequestType"] = "Rename" }, `"Rename" is unknown`},
		"another form":       {func(e map[string]any) { e["LogicalResourceId"] = 5 }, "does not have the form"},
		"no stack":           {func(e map[string]any) { e["StackId"] = "stack" }, "another stack"},
		"no request id":      {func(e map[string]any) { delete(e, "RequestId") }, "no RequestId"},
		"no properties":      {func(e map[string]any) { delete(e, "ResourceProperties") }, "KeyVersion is not set"},
		"a long reason": {func(e map[string]any) {
			e["ResourceProperties"] = map[string]any{dropKeys: strings.Repeat("<é\x00", 3000), strings.Repeat("é\"", 9000): nil}
		}, ""},
	} {
		var e map[string]any
		if err := json.Unmarshal(s.request("Create", s.properties, nil), &e); err != nil {
			t.Fatal(err)
		}
		row.change(e)
		event, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		r := s.send(event)
		if r.Status != "FAILED" || !strings.Contains(r.Reason, row.want) || r.PhysicalResourceId == "" || r.size > 4096 {
			t.Errorf("%s: %d bytes, %+v", name, r.size, r)
		}
		if name == "a long reason" && r.size < 2000 {
			t.Errorf("only %d bytes are left", r.size)
		}
	}

	s.handler.secret = func(string) keyrings.Source { panic("hunter2") }
	if r := s.send(s.request("Create", s.properties, nil)); r.Status != "FAILED" || !strings.Contains(r.Reason, "failed unexpectedly") {
		t.Errorf("after a panic: %+v", r)
	}
	if logged := s.logged.String(); strings.Contains(logged, "hunter2") || !strings.Contains(logged, "TestAnswerInEveryCase") {
		t.Errorf("of a panic the log has\n%s", logged)
	}
	for _, event := range []string{``, `null`, `[]`, `{}`, `{"RequestType":5}`, `{"RequestType":"Create"}`} {
		if _, err := s.handler.Invoke(t.Context(), []byte(event)); err == nil {
			t.Errorf("%q was taken for a request", event)
		}
	}
}

// TestAnswerIsPut checks that an answer is sent again if S3 fails. The error of a failed answer
// does not contain the URL, because a reader of the log could answer with the URL.
func TestAnswerIsPut(t *testing.T) {
	for _, row := range []struct {
		refuse []int
		url    string
		want   string

		emulator string // empty for the server of the answers
	}{
		{refuse: []int{http.StatusServiceUnavailable, http.StatusInternalServerError}},
		{refuse: []int{503, 503, 503}, want: "status 503"},
		{refuse: []int{http.StatusForbidden}, want: "status 403"},
		{url: "http://127.0.0.1:1/?X-Amz-Signature=0ddba11", emulator: "http://127.0.0.1:1", want: "refused"},
		{url: "http://127.0.0.1:1/?X-Amz-Signature=0ddba11", want: "not an https URL"},
		{url: "https://203.0.113.1/?X-Amz-Signature=0ddba11", want: "not at the bucket of CloudFormation"},
		{url: "http://203.0.113.1/?X-Amz-Signature=0ddba11", want: "not an https URL"},
		{url: "://0ddba11", want: "not a URL"},
	} {
		s := newStack(t)
		s.answers.refuse = row.refuse
		s.handler.emulator = cmpOr(row.emulator, s.answers.url)
		event := s.request("Create", s.properties, nil)
		if row.url != "" {
			event = []byte(strings.ReplaceAll(string(event), s.answers.url+"/arn", row.url+"\u0026"))
		}
		_, err := s.handler.Invoke(t.Context(), event)
		if row.want == "" {
			if err != nil || s.answers.latest(t).Status != "SUCCESS" {
				t.Errorf("%v: %v", row.refuse, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error()+s.logged.String(), "0ddba11") {
			t.Errorf("%v %s: %v", row.refuse, row.url, err)
		}
		// Lambda calls again, and the answer arrives.
		s.answers.refuse = nil
		if row.url == "" {
			if r := s.send(event); r.Status != "SUCCESS" || s.signsFirst() != r.kids(t)[0] {
				t.Errorf("again: %+v", r)
			}
		}
	}
}

func (s *stack) signsFirst() string {
	s.deployed = s.properties
	return s.signs(1)
}

// The function answers before Lambda ends it.
func TestAnswerBeforeTheEnd(t *testing.T) {
	s := newStack(t)
	s.service.Fail("", 1<<20, standin.Throttled)
	h := s.newHandler()
	h.log = s.handler.log
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, err := h.Invoke(ctx, []byte(strings.Replace(string(s.request("Create", s.properties, nil)), "X-Amz-Date", "Date", 1)))
	if err != nil || errors.Is(ctx.Err(), context.DeadlineExceeded) || s.answers.latest(t).Status != "FAILED" {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}

// A call that started in time, and then waited until CloudFormation gave up, moves no ring.
func TestWaitsNotBeyondCloudFormation(t *testing.T) {
	s := newStack(t)
	s.create()
	s.now = s.now.Add(4 * time.Hour)
	wish := maps.Clone(s.deployed)
	wish[keyVersion] = "2"
	event := s.request("Update", wish, maps.Clone(s.deployed))
	s.now = s.now.Add(serviceTimeout - 30*time.Second)
	s.service.Fail("GetSecretValue", 1000, standin.Denied)
	s.handler.sleep = func(_ context.Context, d time.Duration) {
		if s.now = s.now.Add(d); s.now.Sub(started(t, event)) > serviceTimeout {
			s.service.Heal()
		}
	}
	if _, err := s.handler.Invoke(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	signing, refresh := s.stored()
	if answer := s.answers.latest(t); answer.Status != "FAILED" || !strings.Contains(answer.Reason, "given up") ||
		signing.Current() != 1 || refresh.Current() != 1 {
		t.Errorf("%s %q, and %d and %d sign", answer.Status, answer.Reason, signing.Current(), refresh.Current())
	}
}

// started returns the time at which CloudFormation made a request.
func started(t *testing.T, event []byte) time.Time {
	t.Helper()
	var e struct{ ResponseURL string }
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(e.ResponseURL)
	if err != nil {
		t.Fatal(err)
	}
	made, err := time.Parse("20060102T150405Z", u.Query().Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	return made
}
