package dev

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const here = "http://127.0.0.1:8080"

// newLocal returns the API of the local server on a new data directory, with the demo user's
// password.
func newLocal(t *testing.T) (http.Handler, string) {
	t.Helper()
	api, password, _ := newServed(t)
	return api, password
}

func call(api http.Handler, method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, here+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1234"
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w
}

// TestEveryRouteIsServed: every route has a function that serves it.
func TestEveryRouteIsServed(t *testing.T) {
	api, _ := newLocal(t)
	for _, r := range route.Table() {
		w := call(api, r.Method(), r.Path(), "application/json", "{}")
		if w.Code == http.StatusNotFound || w.Code == http.StatusMethodNotAllowed || w.Code >= http.StatusInternalServerError {
			t.Errorf("%s: %d %s", r.Pattern, w.Code, w.Body)
		}
	}
}

// TestOthersCanCheckOurTokens finds the keys from the issuer, as client libraries do, and verifies
// the access token of a login.
func TestOthersCanCheckOurTokens(t *testing.T) {
	api, password := newLocal(t)
	var metadata struct {
		Issuer     string `json:"issuer"`
		KeysURI    string `json:"jwks_uri"`
		Token      string `json:"token_endpoint"`
		Revocation string `json:"revocation_endpoint"`
	}
	if err := json.Unmarshal(call(api, "GET", "/.well-known/openid-configuration", "", "").Body.Bytes(), &metadata); err != nil || metadata.Issuer != here {
		t.Fatalf("%+v, %v", metadata, err)
	}
	at := func(url string) string { return strings.TrimPrefix(url, here) }
	keys, err := token.ParseJWKS(call(api, "GET", at(metadata.KeysURI), "", "").Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(token.VerifierConfig{Issuer: here, Audience: []string{here}, Keys: keys, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	got := call(api, "POST", "/auth/login", "application/json", `{"email":"`+demoEmail+`","password":"`+password+`"}`)
	if err := json.Unmarshal(got.Body.Bytes(), &tokens); err != nil || got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if _, err := v.Verify(t.Context(), tokens.Access); err != nil {
		t.Error(err)
	}
	const form = "application/x-www-form-urlencoded"
	if got := call(api, "POST", at(metadata.Revocation), form, "token="+tokens.Refresh); got.Code != http.StatusOK {
		t.Errorf("logout: %d %s", got.Code, got.Body)
	}
	got = call(api, "POST", at(metadata.Token), form, "grant_type=refresh_token&refresh_token="+tokens.Refresh)
	if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), `"terminal":true`) {
		t.Errorf("a refresh afterwards: %d %s", got.Code, got.Body)
	}
}

// TestUnchangedKeysAreNotSentAgain tests conditional requests through both conversions of the
// gateway.
func TestUnchangedKeysAreNotSentAgain(t *testing.T) {
	api, _ := newLocal(t)
	server := httptest.NewServer(api)
	defer server.Close()
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r, err := http.NewRequest(method, server.URL+"/.well-known/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{http.StatusOK, http.StatusNotModified} {
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || answer.StatusCode != want || (len(body) > 0) != (want == http.StatusOK && method == http.MethodGet) {
				t.Errorf("%s: %d with %d bytes, %v; want %d", method, answer.StatusCode, len(body), err, want)
			}
			r.Header.Set("If-None-Match", answer.Header.Get("ETag"))
		}
	}
}
