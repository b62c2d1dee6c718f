package main

import (
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
)

// TestDropRefreshKeys drops the refresh-token key that seals, ten minutes after a rotation: the next version signs
// without the three hours, and neither a repetition nor a rollback brings the key back.
func TestDropRefreshKeys(t *testing.T) {
	s := newStack(t)
	s.create()
	s.now = s.now.Add(3 * time.Hour)
	if r := s.update(keyVersion, "2"); r.Status != "SUCCESS" {
		t.Fatal(r.Reason)
	}
	s.now = s.now.Add(10 * time.Minute)
	_, before := s.stored()
	leaked := before.Keys[2].ID()
	if r := s.update(keyVersion, "3"); r.Status != "FAILED" {
		t.Error("a rotation without a leak passes")
	}
	if r := s.update(dropRefreshKeys, leaked); r.Status != "FAILED" || !strings.Contains(r.Reason, "use KeyVersion 3") {
		t.Errorf("at the same version: %s %s", r.Status, r.Reason)
	}
	if r := s.update(dropRefreshKeys, "2"); r.Status != "FAILED" || !strings.Contains(r.Reason, "DropRefreshKeys is wrong") {
		t.Errorf("a version for an id: %s %s", r.Status, r.Reason)
	}
	stamp := s.update("Issuer", "https://other.example.com").Data["Stamp"]
	dropped := s.update(keyVersion, "3", dropRefreshKeys, leaked)
	if dropped.Status != "SUCCESS" || dropped.Data["Stamp"] == stamp {
		t.Fatalf("%s %s", dropped.Status, dropped.Reason)
	}
	gone := func(when string, current keyring.Version) {
		t.Helper()
		signing, refresh := s.stored()
		if signing.Current() != current || refresh.Current() != current || s.ring(keyring.LoginRing).Current() != current {
			t.Errorf("%s: versions %d, %d, %d, want %d", when, signing.Current(), refresh.Current(), s.ring(keyring.LoginRing).Current(), current)
		}
		for v, entry := range refresh.Keys {
			if entry.ID() == leaked {
				t.Errorf("%s: the dropped key is back at version %d", when, v)
			}
		}
		if _, ok := refresh.Keys[current]; !ok {
			t.Errorf("%s: no key seals", when)
		}
	}
	gone("the drop", 3)
	if again := s.send(s.last); again.Data["Stamp"] != dropped.Data["Stamp"] {
		t.Errorf("repeated: %s %s", again.Status, again.Reason)
	}
	gone("the same request again", 3)
	back := s.rollback()
	gone("a rollback", 2)
	if back.Data["Stamp"] == stamp {
		t.Error("a rollback has the stamp of before: warm instances would go on with the dropped key")
	}
}

// TestDropRefreshKeysHalfDone ends the process after the refresh-token ring was written and before the signing ring was:
// the repetition goes on.
func TestDropRefreshKeysHalfDone(t *testing.T) {
	s := newStack(t)
	s.create()
	s.now = s.now.Add(10 * time.Minute)
	_, before := s.stored()
	m := keyring.Move{Version: 2, DropRefresh: keyring.Drop{IDs: []string{before.Keys[1].ID()}}, Stack: before.Stack}
	refresh := newHandler(s.id, s.answers.url, s.config).secret(s.deployed[refreshKeysARN].(string))
	if _, err := keyring.Update(t.Context(), refresh, keyring.RefreshRing, func(r keyring.Ring) (keyring.Ring, error) {
		return r.Move(m, s.now, s.handler.random)
	}); err != nil {
		t.Fatal(err)
	}
	if r := s.update(keyVersion, "2", dropRefreshKeys, before.Keys[1].ID()); r.Status != "SUCCESS" {
		t.Error(r.Reason)
	}
}

// TestDropOnCreate holds that a new stack drops nothing.
func TestDropOnCreate(t *testing.T) {
	for _, name := range []string{dropKeys, dropRefreshKeys, dropLoginKeys} {
		s := newStack(t)
		s.properties[name] = "all"
		if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, name+" goes with an update") {
			t.Errorf("%s: %s %s", name, r.Status, r.Reason)
		}
	}
}

// TestDropLoginKeys drops the login key that seals, ten minutes after a rotation.
func TestDropLoginKeys(t *testing.T) {
	s := newStack(t)
	s.create()
	s.now = s.now.Add(3 * time.Hour)
	s.update(keyVersion, "2")
	s.now = s.now.Add(10 * time.Minute)
	leaked := s.ring(keyring.LoginRing).Keys[2].ID()
	if r := s.update(dropLoginKeys, leaked); r.Status != "FAILED" || !strings.Contains(r.Reason, "DropLoginKeys names the key that signs") {
		t.Errorf("at the same version: %s %s", r.Status, r.Reason)
	}
	if r := s.update(keyVersion, "3", dropLoginKeys, leaked); r.Status != "SUCCESS" {
		t.Fatal(r.Reason)
	}
	s.rollback()
	for v, entry := range s.ring(keyring.LoginRing).Keys {
		if entry.ID() == leaked {
			t.Errorf("the dropped key is back at version %d", v)
		}
	}
}
