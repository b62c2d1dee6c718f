package own_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	issuer = "https://auth.example.com"
	email  = "ada@example.com"
	secret = "correct horse battery staple"
)

// home is a data directory as "edgeauth keys init" makes it, with a store and one user.
type home struct {
	folder string
	stores service.Stores
	ada    user.User
}

func newHome(t *testing.T) home {
	t.Helper()
	h := home{folder: filepath.Join(t.TempDir(), "data")}
	out, err := exec.Command("go", "tool", "edgeauth", "keys", "init", "--data", h.folder, "--algorithm", "ES256").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if h.stores, err = service.OpenBolt(h.path("store.db")); err != nil {
		t.Fatal(err)
	}
	users := user.Directory{Store: h.stores.Users, Hasher: password.Hasher{}}
	if h.ada, err = users.Add(t.Context(), email, auth.NewSecret(secret), nil); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h home) path(name string) string { return filepath.Join(h.folder, name) }

// answer is the part of an answer that a client reads.
type answer struct {
	status  int
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

func send(t *testing.T, h http.Handler, path, body string) (a answer) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	a.status = w.Code
	return a
}
