package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/fault"
)

// protected is a stack whose tables are in a real engine, behind a transport that can fail.
type protected struct {
	*stack
	wire  *fault.Transport
	names map[string]any // the properties of the resource
}

func newProtected(t *testing.T) protected {
	t.Helper()
	e := engine.Dynoxide(t)
	p := protected{newStack(t), &fault.Transport{}, map[string]any{"ServiceToken": "arn"}}
	config := awsclient.Config{Region: engine.Region, Endpoint: e.Endpoint, Transport: p.wire,
		Credentials: awsclient.Credentials{AccessKeyID: engine.AccessKeyID, SecretAccessKey: auth.NewSecret(engine.SecretAccessKey)}}
	name := "test-" + rand.Text()
	tables := dynamo.Tables{Users: name + "-users", Sessions: name + "-sessions", Attempts: name + "-attempts"}
	p.names["UsersTable"], p.names["SessionsTable"], p.names["AttemptsTable"] = tables.Users, tables.Sessions, tables.Attempts
	p.handler.tables = tablesAt(config)
	if err := p.handler.tables(tables).(*dynamo.DB).CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wire.Calls()
	return p
}

// sends sends a request for the protection, and checks how often the tables were changed.
func (p protected) sends(kind string, properties map[string]any, writes int) reply {
	p.t.Helper()
	var e map[string]any
	if err := json.Unmarshal(p.request(kind, properties, nil), &e); err != nil {
		p.t.Fatal(err)
	}
	e["ResourceType"], e["LogicalResourceId"] = protectionType, "Protection"
	text, err := json.Marshal(e)
	if err != nil {
		p.t.Fatal(err)
	}
	r := p.send(text)
	if got := p.wire.Calls()["UpdateTable"]; got != writes {
		p.t.Errorf("%s: %d tables were changed, want %d", kind, got, writes)
	}
	if r.PhysicalResourceId != "edgeauth-protection-"+guid {
		p.t.Errorf("%s: the physical id is %s", kind, r.PhysicalResourceId)
	}
	return r
}

func (p protected) succeeds(kind string, writes int) {
	p.t.Helper()
	if r := p.sends(kind, p.names, writes); r.Status != "SUCCESS" || len(r.Data) > 0 {
		p.t.Errorf("%s: %+v", kind, r)
	}
}

// A creation protects the tables. Later requests find them protected and change nothing.
func TestProtection(t *testing.T) {
	p := newProtected(t)
	p.succeeds("Create", 3)
	p.succeeds("Create", 0)
	p.succeeds("Update", 0)
	p.succeeds("Delete", 0)
	p.succeeds("Update", 0) // the tables are still protected
	if !strings.Contains(p.logged.String(), "msg=protection request=Create") {
		t.Errorf("the log is %s", p.logged)
	}
}

// An update protects the tables of a stack from before the resource.
func TestProtectionByUpdate(t *testing.T) {
	newProtected(t).succeeds("Update", 3)
}

// The function waits for a minute for the grants of a new role, and then says what is missing.
func TestProtectionWaits(t *testing.T) {
	p := newProtected(t)
	p.wire.Fail("DescribeTable", 5, fault.AccessDenied)
	p.succeeds("Create", 3)

	p = newProtected(t)
	p.wire.Fail("UpdateTable", 1000, fault.AccessDenied)
	start := p.now
	r := p.sends("Create", p.names, int(patience/pause)+1)
	if waited := p.now.Sub(start); r.Status != "FAILED" || !strings.Contains(r.Reason, "AccessDenied") || waited != patience {
		t.Errorf("after %v: %+v", waited, r)
	}
}

// The function answers before Lambda ends it.
func TestProtectionAnswersInTime(t *testing.T) {
	p := newProtected(t)
	p.wire.Fail("DescribeTable", 1000, fault.AccessDenied)
	ctx, cancel := context.WithCancel(t.Context())
	p.handler.sleep = func(context.Context, time.Duration) { cancel() }
	if err := p.handler.protect(ctx, p.names); err == nil || !strings.Contains(err.Error(), "the time of this function ran out") {
		t.Errorf("%v", err)
	}
}

func TestProtectionRefuses(t *testing.T) {
	p := newProtected(t)
	for _, property := range []string{"UsersTable", "SessionsTable", "AttemptsTable"} {
		for _, wrong := range []any{nil, "", []any{"a", "b"}} {
			properties := maps.Clone(p.names)
			properties[property] = wrong
			if r := p.sends("Create", properties, 0); r.Status != "FAILED" || r.Reason != property+" is not set: it should hold the name of a table" {
				t.Errorf("%s = %v: %+v", property, wrong, r)
			}
		}
	}
	missing := maps.Clone(p.names)
	missing["UsersTable"] = "none"
	start := p.now
	if r := p.sends("Create", missing, 0); r.Status != "FAILED" || !strings.Contains(r.Reason, "the table none: ") || p.now != start {
		t.Errorf("a missing table, after %v: %+v", p.now.Sub(start), r)
	}
	p.succeeds("Delete", 0)
}

// A request for a resource of another type is refused, and its deletion is not.
func TestUnknownType(t *testing.T) {
	s := newStack(t)
	for kind, want := range map[string]string{"Create": "FAILED", "Update": "FAILED", "Delete": "SUCCESS"} {
		event := strings.Replace(string(s.request(kind, s.properties, nil)), keysType, "Custom::Other", 1)
		r := s.send([]byte(event))
		if r.Status != want || want == "FAILED" && r.Reason != `the resource type "Custom::Other" is unknown (want Custom::EdgeauthKeys or Custom::EdgeauthProtection)` {
			t.Errorf("%s: %+v", kind, r)
		}
	}
	if calls := slices.Collect(maps.Keys(s.service.Calls())); len(calls) > 0 {
		t.Errorf("the secrets were asked: %v", calls)
	}
}
