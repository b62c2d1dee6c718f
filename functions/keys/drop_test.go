package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
)

// TestDropRefreshKeys drops the refresh-token key that seals, ten minutes after a rotation. The
// next version signs without the wait of three hours. Neither a repetition nor a rollback brings
// the key back.
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
	gone := func(when string, current keyrings.Version) {
		t.Helper()
		signing, refresh := s.stored()
		if signing.Current() != current || refresh.Current() != current || s.ring(keyrings.LoginRing).Current() != current {
			t.Errorf("%s: versions %d, %d, %d, want %d", when, signing.Current(), refresh.Current(), s.ring(keyrings.LoginRing).Current(), current)
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

// TestDropRefreshKeysHalfDone ends the process after the write of the refresh-token ring and before
// the write of the signing ring. A repetition completes the request.
func TestDropRefreshKeysHalfDone(t *testing.T) {
	s := newStack(t)
	s.create()
	s.now = s.now.Add(10 * time.Minute)
	_, before := s.stored()
	m := keyrings.Move{Version: 2, DropRefresh: keyrings.Drop{IDs: []string{before.Keys[1].ID()}}, Stack: before.Stack}
	refresh := s.newHandler().secret(s.deployed[refreshKeysARN].(string))
	if _, err := keyrings.Update(t.Context(), refresh, keyrings.RefreshRing, func(r keyrings.Ring) (keyrings.Ring, error) {
		return r.Move(m, s.now, s.handler.random)
	}); err != nil {
		t.Fatal(err)
	}
	if r := s.update(keyVersion, "2", dropRefreshKeys, before.Keys[1].ID()); r.Status != "SUCCESS" {
		t.Error(r.Reason)
	}
}

// TestDropOnCreate checks that a new stack drops no key.
func TestDropOnCreate(t *testing.T) {
	for _, name := range []string{dropKeys, dropRefreshKeys, dropLoginKeys} {
		s := newStack(t)
		s.properties[name] = "all"
		if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, name+" is allowed only in an update") {
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
	leaked := s.ring(keyrings.LoginRing).Keys[2].ID()
	if r := s.update(dropLoginKeys, leaked); r.Status != "FAILED" || !strings.Contains(r.Reason, "DropLoginKeys names the key that signs") {
		t.Errorf("at the same version: %s %s", r.Status, r.Reason)
	}
	if r := s.update(keyVersion, "3", dropLoginKeys, leaked); r.Status != "SUCCESS" {
		t.Fatal(r.Reason)
	}
	s.rollback()
	for v, entry := range s.ring(keyrings.LoginRing).Keys {
		if entry.ID() == leaked {
			t.Errorf("the dropped key is back at version %d", v)
		}
	}
}

// TestDropAllRings drops all keys of all rings in one deployment, ten minutes after a rotation, and
// rolls the deployment back. No earlier key returns, the rings keep the same version, and the key
// set contains the keys that sign.
func TestDropAllRings(t *testing.T) {
	s := newStack(t)
	s.create()
	s.now = s.now.Add(3 * time.Hour)
	before := s.update(keyVersion, "2")
	if before.Status != "SUCCESS" {
		t.Fatal(before.Reason)
	}
	s.now = s.now.Add(10 * time.Minute)
	kinds := []keyrings.Kind{keyrings.SigningRing, keyrings.RefreshRing, keyrings.LoginRing}
	gone := map[string]bool{}
	for _, kind := range kinds {
		for _, entry := range s.ring(kind).Keys {
			gone[entry.ID()] = true
		}
	}
	stamps := map[string]string{}
	check := func(when string, r reply, current keyrings.Version) {
		t.Helper()
		if r.Status != "SUCCESS" {
			t.Fatalf("%s: %s", when, r.Reason)
		}
		for _, kind := range kinds {
			ring := s.ring(kind)
			if ring.Current() != current {
				t.Errorf("%s: the %s is at version %d, want %d", when, kind, ring.Current(), current)
			}
			for v, entry := range ring.Keys {
				if gone[entry.ID()] {
					t.Errorf("%s: version %d of the %s has a dropped key", when, v, kind)
				}
			}
			for _, v := range []keyrings.Version{current, current + 1} {
				if _, ok := ring.Keys[v]; !ok {
					t.Errorf("%s: version %d of the %s has no key", when, v, kind)
				}
			}
		}
		if kids := r.kids(t); !slices.Contains(kids, s.signs(current)) || !slices.Contains(kids, s.signs(current+1)) {
			t.Errorf("%s: %v is published, without the key that signs or the next one", when, kids)
		}
		stamps[r.Data["Stamp"]] = when
	}
	drop := []string{keyVersion, "3", dropKeys, "all", dropRefreshKeys, "all", dropLoginKeys, "all"}
	dropped := s.update(drop...)
	check("the drop", dropped, 3)
	check("the same request again", s.send(s.last), 3)
	rolledBack := s.rollback()
	check("the rollback", rolledBack, 2)
	if stamps[before.Data["Stamp"]] != "" || len(stamps) != 2 {
		t.Errorf("the stamps of the drop and of the rollback must differ from each other and from the one before: %v", stamps)
	}
	// Refresh tokens and known-device tokens of the new version still open after the rollback.
	third := map[keyrings.Kind]string{}
	for _, kind := range kinds {
		third[kind] = s.ring(kind).Keys[3].ID()
	}
	s.now = s.now.Add(10 * time.Minute)
	check("the drop, tried again", s.update(drop...), 3)
	for _, kind := range kinds {
		if got := s.ring(kind).Keys[3].ID(); got != third[kind] {
			t.Errorf("the %s was dropped twice", kind)
		}
	}
}

// TestStampOfDrops checks that each property that drops keys or takes over a stack changes the
// stamp. If no key was dropped, a rollback restores the stamp.
func TestStampOfDrops(t *testing.T) {
	s := newStack(t)
	s.create()
	s.now = s.now.Add(3 * time.Hour)
	stamp := s.update(keyVersion, "2").Data["Stamp"]
	stamps := map[string]string{stamp: "none"}
	for name, value := range map[string]string{
		dropKeys: s.signs(1), dropRefreshKeys: s.ring(keyrings.RefreshRing).Keys[1].ID(), dropLoginKeys: s.ring(keyrings.LoginRing).Keys[1].ID(),
		takeOverStack: nextStack,
	} {
		r := s.update(name, value)
		if same := stamps[r.Data["Stamp"]]; r.Status != "SUCCESS" || same != "" {
			t.Errorf("%s has the stamp of %s: %s %s", name, same, r.Status, r.Reason)
		}
		stamps[r.Data["Stamp"]] = name
	}
	s.update(dropKeys, "", dropRefreshKeys, "", dropLoginKeys, "", takeOverStack, "")
	stamp = s.update("Issuer", "https://auth.example.com").Data["Stamp"]
	if r := s.update(takeOverStack, nextStack); r.Data["Stamp"] == stamp {
		t.Error("the stamp is the one of before")
	}
	if r := s.rollback(); r.Data["Stamp"] != stamp {
		t.Error("a rollback that drops no key has another stamp")
	}
}
