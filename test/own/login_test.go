package own_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

// TestLoginOfOnesOwn opens sessions for users whom a program identifies by itself, here by a link
// that it has sent. edgeauth's own endpoints do the rest.
func TestLoginOfOnesOwn(t *testing.T) {
	h := newHome(t)
	settings := service.Settings{
		Issuer: issuer, Audience: []string{issuer}, KeyVersion: 1, Stores: h.stores,
		Client: auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced},
	}
	var err1, err2 error
	settings.SigningRing, err1 = keyring.Open("file:" + h.path("signing-ring.json"))
	settings.RefreshKeys, err2 = keyring.Open("file:" + h.path("refresh-keys.json"))
	s, err3 := service.New(t.Context(), settings)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	links := map[string]auth.SubjectID{"link-1": h.ada.ID}
	byLink := s.Responder().Opens(s.Sessions(), func(r *http.Request) (endpoint.Proven, error) {
		id, known := links[r.URL.Query().Get("link")]
		if !known {
			return endpoint.Proven{}, &login.Refusal{Reason: login.ReasonUnknown}
		}
		u, err := s.Users().Get(r.Context(), id)
		if err != nil {
			return endpoint.Proven{}, err
		}
		return endpoint.Proven{Subject: u.Subject(), Client: s.Clients()[auth.DefaultClient], AuthTime: time.Now()}, nil
	})

	opened := send(t, byLink, "/login?link=link-1", "")
	if opened.status != http.StatusOK {
		t.Fatalf("%+v", opened)
	}
	if claims, err := s.AccessTokens().Verify(t.Context(), opened.Access); err != nil || claims.Subject != h.ada.ID {
		t.Errorf("%+v, %v", claims, err)
	}
	if got := send(t, byLink, "/login?link=link-2", ""); got.status != http.StatusUnauthorized || got.Error != "invalid_credentials" {
		t.Errorf("an unknown link: %+v", got)
	}
	functions, err := s.Handlers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"login", "account"} {
		if _, err := s.Handler(name); functions[name] != nil || err == nil || !strings.Contains(err.Error(), "Settings.LoginRing is missing") {
			t.Errorf("%s without login keys: %v", name, err)
		}
	}
	refreshed := send(t, functions["refresh"], "/auth/refresh", `{"refresh_token":"`+opened.Refresh+`"}`)
	if refreshed.status != http.StatusOK || refreshed.Access == "" {
		t.Errorf("refresh: %+v", refreshed)
	}
	if got := send(t, functions["sessions"], "/auth/logout", `{"refresh_token":"`+refreshed.Refresh+`"}`); got.status != http.StatusOK {
		t.Errorf("logout: %+v", got)
	}
	if got := send(t, functions["refresh"], "/auth/refresh", `{"refresh_token":"`+refreshed.Refresh+`"}`); got.Error != "invalid_grant" {
		t.Errorf("refresh after logout: %+v", got)
	}
}
