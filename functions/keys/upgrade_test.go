package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
)

// twoRings returns a stack at KeyVersion 3 that was deployed from a template without a login ring.
func twoRings(t *testing.T) *stack {
	t.Helper()
	s := newStack(t)
	s.create()
	for _, version := range []string{"2", "3"} {
		s.now = s.now.Add(3 * time.Hour)
		if r := s.update(keyVersion, version); r.Status != "SUCCESS" {
			t.Fatal(r.Reason)
		}
	}
	delete(s.deployed, loginRingARN)
	return s
}

// TestLoginRingOfAnExistingStack checks that a deployment of a template with a login ring fills the
// empty third secret at the stack's version. Later deployments move all three rings.
func TestLoginRingOfAnExistingStack(t *testing.T) {
	s := twoRings(t)
	signing, refresh := s.stored()
	stamp := s.send(s.request("Update", s.deployedWithLogin(), s.deployed)).Data["Stamp"]
	s.deployed = s.deployedWithLogin()
	login := s.ring(keyrings.LoginRing)
	if login.Current() != 3 || len(login.Versions()) != 2 || login.Versions()[0] != 3 {
		t.Errorf("the login ring stands at %d of %v, want 3 of [3 4]", login.Current(), login.Versions())
	}
	signingAfter, refreshAfter := s.stored()
	if signingAfter.Current() != signing.Current() || refreshAfter.Serial != refresh.Serial {
		t.Errorf("the other rings moved: %d to %d, serial %d to %d", signing.Current(), signingAfter.Current(), refresh.Serial, refreshAfter.Serial)
	}
	if r := s.update(); r.Data["Stamp"] != stamp {
		t.Errorf("the same deployment again has the stamp %s, want %s", r.Data["Stamp"], stamp)
	}
	s.now = s.now.Add(3 * time.Hour)
	if r := s.update(keyVersion, "4"); r.Status != "SUCCESS" || s.ring(keyrings.LoginRing).Current() != 4 {
		t.Errorf("rotation: %s %s, the login ring stands at %d", r.Status, r.Reason, s.ring(keyrings.LoginRing).Current())
	}
}

// TestUpgradeRotates checks that the deployment that creates the login ring may also rotate.
func TestUpgradeRotates(t *testing.T) {
	s := twoRings(t)
	s.now = s.now.Add(3 * time.Hour)
	wish := s.deployedWithLogin()
	wish[keyVersion] = "4"
	if r := s.send(s.request("Update", wish, s.deployed)); r.Status != "SUCCESS" {
		t.Fatal(r.Reason)
	}
	s.deployed = wish
	if login := s.ring(keyrings.LoginRing); login.Current() != 4 {
		t.Errorf("the login ring stands at %d, want 4", login.Current())
	}
}

// TestAdoptedWithoutLoginRing checks that a new stack takes over the two secrets of an earlier
// template, and creates the third ring at their version.
func TestAdoptedWithoutLoginRing(t *testing.T) {
	s := twoRings(t)
	s.properties = s.deployedWithLogin()
	s.properties[keyVersion] = "1"
	if r := s.create(); r.Status != "FAILED" || !strings.Contains(r.Reason, "use KeyVersion 3") {
		t.Errorf("KeyVersion 1: %s %s", r.Status, r.Reason)
	}
	s.properties[keyVersion] = "3"
	if r := s.create(); r.Status != "SUCCESS" || s.ring(keyrings.LoginRing).Current() != 3 {
		t.Errorf("KeyVersion 3: %s %s", r.Status, r.Reason)
	}
}

// deployedWithLogin returns the deployed properties together with the secret of the login ring.
func (s *stack) deployedWithLogin() map[string]any {
	if s.thirdSecret == "" {
		s.thirdSecret = s.service.Add("third")
	}
	all := maps.Clone(s.deployed)
	all[loginRingARN] = s.thirdSecret
	return all
}
