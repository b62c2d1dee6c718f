package deploy_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

// The secrets and tables stay when a stack is deleted. A new stack that names the deleted stack
// takes over its keys, users and sessions.
func TestTakeOver(t *testing.T) {
	p := open(t)
	old := p.stack(t, "old")
	old.mustPut(p.template, old.parameters()...)
	published := old.published()
	old.mustCommand(password, "user add "+ada)
	before := old.client()
	if err := before.login(t.Context(), ada, password); err != nil {
		t.Fatal(err)
	}
	kept, id := maps.Clone(old.outputs), old.id
	existing := []string{
		"ExistingUsersTable=" + kept["UsersTable"], "ExistingSessionsTable=" + kept["SessionsTable"], "ExistingAttemptsTable=" + kept["AttemptsTable"],
		"ExistingSigningSecret=" + kept["SigningSecret"], "ExistingRefreshSecret=" + kept["RefreshSecret"], "ExistingLoginSecret=" + kept["LoginSecret"],
	}
	old.drop()

	s := p.stack(t, "heir")
	if err := s.put(p.template, s.parameters(existing...)...); err == nil || !strings.Contains(err.Error(), id) {
		t.Errorf("without TakeOverStack: %v", err)
	}
	s.is("ROLLBACK_COMPLETE")
	s.drop()
	s.mustPut(p.template, s.parameters(append(existing, "TakeOverStack="+id, "KeyVersion=1")...)...)
	if now := s.published(); !maps.Equal(now, published) {
		t.Errorf("the published keys are %v, were %v", now, published)
	}
	s.mustPut(p.template, "TakeOverStack=")
	for output := range rings {
		if s.outputs[output] != kept[output] {
			t.Errorf("%s is %s, want %s", output, s.outputs[output], kept[output])
		}
		if owner := s.ring(output).Stack; owner != s.id {
			t.Errorf("%s belongs to %s, want %s", output, owner, s.id)
		}
	}
	for _, table := range []string{"UsersTable", "SessionsTable", "AttemptsTable"} {
		if s.outputs[table] != kept[table] {
			t.Errorf("%s is %s, want %s", table, s.outputs[table], kept[table])
		}
	}
	c := s.client()
	c.refresh = before.refresh
	if err := c.renew(t.Context()); err != nil {
		t.Errorf("the session of the old stack: %v", err)
	}
	if err := s.session(t.Context(), ada, password); err != nil {
		t.Error(err)
	}
}

// Two stacks of one account do not accept each other's users and tokens, and the deletion of one
// does not affect the other.
func TestSideBySide(t *testing.T) {
	p := open(t)
	one, two := p.stack(t, "side-one"), p.stack(t, "side-two")
	for _, s := range []*stack{one, two} {
		s.mustPut(p.template, s.parameters()...)
	}
	one.mustCommand(password, "user add "+ada)
	ctx, c, api := t.Context(), one.client(), two.attach("http-api")
	if err := c.login(ctx, ada, password); err != nil {
		t.Fatal(err)
	}
	if _, err := two.client().expect(ctx, http.StatusUnauthorized, "invalid_credentials", http.MethodPost, "/auth/login",
		object{"email": ada, "password": password}, ""); err != nil {
		t.Errorf("the user of another stack: %v", err)
	}
	if got := two.whoami(api, c.access); got.status != http.StatusForbidden {
		t.Errorf("the access token of another stack: %d", got.status)
	}
	if _, err := two.client().expect(ctx, http.StatusBadRequest, "invalid_grant", http.MethodPost, "/auth/refresh",
		object{"refresh_token": c.refresh}, ""); err != nil {
		t.Errorf("the refresh token of another stack: %v", err)
	}
	two.drop()
	if err := c.renew(ctx); err != nil {
		t.Errorf("after the other stack was deleted: %v", err)
	}
	if err := one.session(ctx, ada, password); err != nil {
		t.Error(err)
	}
}
