package authorizer_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/standin"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/gateway"
)

// TestGatewayAgrees sends an event of the local gateway through the authorizer, and the resulting
// context back to the Principal of a handler. The two packages share claim names and do not import
// each other.
func TestGatewayAgrees(t *testing.T) {
	authority := newAuthority(t)
	r := httptest.NewRequest("GET", "http://127.0.0.1:8080/me", nil)
	r.Header.Set("Authorization", "Bearer "+tokenAt(authority, now))
	text, err := standin.AuthorizerEventOf(r, standin.Origin{RouteKey: "GET /me", RequestID: "r1", Time: now}, "authorization")
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{config.ResponseSimple, config.ResponseIAM} {
		text, err := newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) { c.HTTPResponse = form }).Invoke(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Context map[string]string }
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
		event, err := standin.EventOf(r, standin.Origin{RouteKey: "GET /me", RequestID: "r1", Time: now, Authorizer: answer.Context})
		if err != nil {
			t.Fatal(err)
		}
		var got auth.Principal
		_, err = gateway.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got, _ = auth.PrincipalFrom(r.Context())
		}))(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		want := auth.Principal{
			Subject: "u1", SessionID: "s1", Client: "web", Scope: []string{"read", "write"}, Roles: []string{"admin", "ops"},
			AuthTime: now.Add(-time.Hour), Expires: now.Add(10 * time.Minute), TokenVersion: auth.NewTokenVersion(7),
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", form, got, want)
		}
	}
}
