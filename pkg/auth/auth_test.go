package auth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

func TestSubjectIDValidate(t *testing.T) {
	for _, row := range []struct {
		name string
		id   auth.SubjectID
		ok   bool
	}{
		{"uuid", "1b671a64-40d5-491e-99b0-da01ff1f3341", true},
		{"opaque", "auth0|5f7c8ec7c33c6c004bbafe82", true},
		{"unicode", "zoë", true},
		{"longest", auth.SubjectID(strings.Repeat("x", 64)), true},
		{"empty", "", false},
		{"too long", auth.SubjectID(strings.Repeat("x", 65)), false},
		{"control", "a\nb", false},
		{"c1 control", "a\u0085b", false},
		{"invalid utf-8", "a\xffb", false},
	} {
		if err := row.id.Validate(); (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestProfileNames(t *testing.T) {
	for _, p := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
		if got, err := auth.ParseProfile(p.String()); err != nil || got != p {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	if _, err := auth.ParseProfile("lax"); err == nil {
		t.Error("an unknown profile was taken")
	}
}

func TestTokenVersion(t *testing.T) {
	for _, row := range []struct {
		version auth.TokenVersion
		user    uint64
		below   bool
	}{
		{auth.NewTokenVersion(0), 0, false},
		{auth.NewTokenVersion(0), 1, true},
		{auth.NewTokenVersion(2), 1, false},
		{auth.TokenVersion{}, 0, true}, // a token without the claim
	} {
		if got := row.version.Below(row.user); got != row.below {
			t.Errorf("%q below %d: %v", row.version, row.user, got)
		}
	}
	if none, zero := (auth.TokenVersion{}).String(), auth.NewTokenVersion(0).String(); none != "" || zero != "0" {
		t.Errorf("%q, %q", none, zero)
	}
}

func TestPrincipalTravelsInTheContext(t *testing.T) {
	if _, ok := auth.PrincipalFrom(context.Background()); ok {
		t.Error("a bare context has a principal")
	}
	want := auth.Principal{Subject: "s"}
	if got, ok := auth.PrincipalFrom(auth.WithPrincipal(context.Background(), want)); !ok || got.Subject != "s" {
		t.Errorf("got %+v, %v", got, ok)
	}
}
