package dev

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// publish serves the public keys of a data directory.
func publish(t *testing.T, home Home) *httptest.Server {
	t.Helper()
	if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
		t.Fatal(err)
	}
	ring, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ring.PublicKeys(ring.Current())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) }))
	t.Cleanup(s.Close)
	return s
}

// TestOneServerForADirectory: the second server names the first, and a dead or foreign server is no
// hindrance.
func TestOneServerForADirectory(t *testing.T) {
	home, another := Home(t.TempDir()), Home(t.TempDir())
	first := publish(t, home)
	foreign := publish(t, another)
	release, err := home.claim(t.Context(), first.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := home.claim(t.Context(), "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), first.URL) {
		t.Errorf("a second server: %v", err)
	}
	if _, err := home.claim(t.Context(), first.URL); err != nil {
		t.Errorf("the same address again: %v", err)
	}
	release()
	if _, err := os.Stat(home.path(addressFile)); !os.IsNotExist(err) {
		t.Errorf("after the end: %v", err)
	}
	for name, left := range map[string]string{"nothing listens there": "http://127.0.0.1:1", "a server of another directory": foreign.URL, "junk": "\x00"} {
		if err := os.WriteFile(home.path(addressFile), []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		release, err := home.claim(t.Context(), first.URL)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		release()
	}
}
