package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// newServed returns the API of "edgeauth dev" on a new data directory, with the demo user's
// password and the log.
func newServed(t *testing.T) (l *live, password string, log *bytes.Buffer) {
	t.Helper()
	l, password, log, err := serveConfigured(t, "")
	if err != nil {
		t.Fatal(err)
	}
	return l, password, log
}

func serveConfigured(t *testing.T, document string) (l *live, password string, log *bytes.Buffer, err error) {
	t.Helper()
	return serveOptions(t, Options{Config: document})
}

// serveOptions serves with these options on a new data directory.
func serveOptions(t *testing.T, o Options) (l *live, password string, log *bytes.Buffer, err error) {
	t.Helper()
	home := Home(t.TempDir())
	if err := home.Make(); err != nil {
		t.Fatal(err)
	}
	stores, err := backend.OpenStores(config.Stores{BoltPath: home.StorePath()})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := home.ensureDemoUser(t.Context(), stores.Users)
	if err != nil {
		t.Fatal(err)
	}
	log = &bytes.Buffer{}
	o.Home, o.Algorithm, o.Profile, o.Log = home, token.ES256, auth.Balanced, log
	l, err = newLive(t.Context(), o, here, stores)
	return l, secret.Reveal(), log, err
}

// EDGEAUTH_CONFIG has the same effect as in the functions: clients at login, rules at the
// authorizer.
func TestConfig(t *testing.T) {
	l, password, _, err := serveConfigured(t, `{"clients":{"web":{"scope":["read"],"audience":["`+here+`","https://media.example.com"]}},
		"routes":[{"route":"GET /me","scopes":["read"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	credentials := `{"email":"` + demoEmail + `","password":"` + password + `"`
	web := post(t, l, "/auth/login", credentials+`,"client_id":"web"}`)
	if got := getMe(l, web.Access); got != http.StatusOK {
		t.Errorf("with the scope: %d", got)
	}
	other := post(t, l, "/auth/login", credentials+"}")
	if got := getMe(l, other.Access); got != http.StatusForbidden {
		t.Errorf("without it: %d", got)
	}
	for document, tells := range map[string]string{
		`{"client":{}}`: `unknown member "client"`, `{"clients":{"web":{"idle_timeout":"7d"}}}`: "idle_timeout", `{"routes":[]}`: "routes", `nonsense`: "EDGEAUTH_CONFIG",
	} {
		if _, _, _, err := serveConfigured(t, document); err == nil || !strings.Contains(err.Error(), tells) {
			t.Errorf("%s: %v", document, err)
		}
	}
}

type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Device  string `json:"device_token"`
}

func post(t *testing.T, h http.Handler, path, body string) (p pair) {
	t.Helper()
	w := call(h, "POST", path, "application/json", body)
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return p
}

func getMe(h http.Handler, access string) int {
	r := httptest.NewRequest("GET", here+"/me", nil)
	r.RemoteAddr = "127.0.0.1:1234"
	r.Header.Set("Authorization", "Bearer "+access)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// A running server reloads the rings. A rotation refuses no token. After a drop, the tokens of the
// dropped key are refused and the session continues.
func TestRunningServerFollows(t *testing.T) {
	l, password, log := newServed(t)
	first := post(t, l, "/auth/login", `{"email":"`+demoEmail+`","password":"`+password+`"}`)
	old := l.used.signing.Keys[1].Signing.ID()

	if v, err := l.home.Rotate(t.Context(), token.EdDSA, time.Now()); v != 2 || err != nil {
		t.Fatal(v, err)
	}
	l.look(t.Context())
	second := post(t, l, "/auth/refresh", `{"refresh_token":"`+first.Refresh+`"}`)
	if got := getMe(l, first.Access); got != http.StatusOK {
		t.Errorf("a token from before the rotation: %d", got)
	}
	if got := getMe(l, second.Access); got != http.StatusOK {
		t.Errorf("a token from after it: %d", got)
	}

	if v, err := l.home.Drop(t.Context(), Drops{Signing: []string{old}}, time.Now()); v != 2 || err != nil {
		t.Fatal(v, err)
	}
	l.look(t.Context())
	if got := getMe(l, first.Access); got != http.StatusForbidden {
		t.Errorf("a token of the dropped key: %d", got)
	}
	if got := getMe(l, second.Access); got != http.StatusOK {
		t.Errorf("a token of the key that signs: %d", got)
	}

	// Drop the signing key as well: the next key replaces it.
	if v, err := l.home.Drop(t.Context(), Drops{Signing: []string{l.used.signing.Keys[2].Signing.ID()}}, time.Now()); v != 3 || err != nil {
		t.Fatal(v, err)
	}
	l.look(t.Context())
	if got := getMe(l, second.Access); got != http.StatusForbidden {
		t.Errorf("a token of the second dropped key: %d", got)
	}
	third := post(t, l, "/auth/refresh", `{"refresh_token":"`+second.Refresh+`"}`)
	if got := getMe(l, third.Access); got != http.StatusOK {
		t.Errorf("after the next refresh: %d", got)
	}
	if alg := l.used.signing.Keys[3].Signing.Algorithm(); alg != token.EdDSA {
		t.Errorf("the key that was made by the first rotation is of %s", alg)
	}
	if log.Len() > 0 && strings.Contains(log.String(), "WARN\",\"msg") {
		t.Error(log)
	}
}

// Unusable rings are logged once, and the last valid ring stays in use.
func TestRunningServerKeepsTheLastGoodRing(t *testing.T) {
	l, password, log := newServed(t)
	path := l.home.path("signing-ring.json")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.home.Rotate(t.Context(), "", time.Now()); err != nil {
		t.Fatal(err)
	}
	l.look(t.Context())
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		spoil func() error
		tells string
	}{
		{"half written", func() error { return os.WriteFile(path, after[:len(after)/2], 0o600) }, "malformed ring"},
		{"empty", func() error { return os.WriteFile(path, nil, 0o600) }, "malformed ring"},
		{"of before", func() error { return os.WriteFile(path, before, 0o600) }, "the ring on disk has serial 1 (want a serial above 2"},
		{"exposed", func() error { return errors.Join(os.WriteFile(path, after, 0o600), os.Chmod(path, 0o644)) }, "want 0600"},
		{"gone", func() error { return os.Remove(path) }, "not found"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := row.spoil(); err != nil {
				t.Fatal(err)
			}
			log.Reset()
			l.look(t.Context())
			l.look(t.Context())
			if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, row.tells) {
				t.Errorf("logged %q", got)
			}
			if p := post(t, l, "/auth/login", `{"email":"`+demoEmail+`","password":"`+password+`"}`); getMe(l, p.Access) != http.StatusOK {
				t.Error("the last good ring is not in use")
			}
			if err := os.WriteFile(path, after, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
			l.look(t.Context())
			if l.told != "" {
				t.Errorf("after the repair the log says %s", l.told)
			}
		})
	}
}

// Of several rotations at the same time, each succeeds or fails with ErrMoved, and no rotation is
// lost.
func TestRotationsAtOnce(t *testing.T) {
	home := Home(t.TempDir())
	if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
		t.Fatal(err)
	}
	const writers = 8
	var wg sync.WaitGroup
	won := make(chan keyrings.Version, writers)
	for range writers {
		wg.Go(func() {
			switch v, err := home.Rotate(context.WithoutCancel(t.Context()), "", time.Now()); {
			case err == nil:
				won <- v
			case !errors.Is(err, ErrMoved):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(won)
	seen := map[keyrings.Version]bool{}
	for v := range won {
		if seen[v] {
			t.Errorf("two were told that they rotated to %d", v)
		}
		seen[v] = true
	}
	signing, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
	if err != nil || len(seen) == 0 || int(signing.Current()) != 1+len(seen) {
		t.Errorf("%d won, and %d signs: %v", len(seen), signing.Current(), err)
	}
	refresh, err := keyrings.Load(t.Context(), home.RefreshKeys(), keyrings.RefreshRing)
	if err != nil || refresh.Keys[signing.Current()].Secret.Reveal() == "" {
		t.Errorf("the refresh-token ring has no version %d: %v", signing.Current(), err)
	}
}

// A restored ring may have the same serial as one that was in use.
func TestRunningServerTakesNoBackup(t *testing.T) {
	l, _, log := newServed(t)
	if _, err := l.home.Rotate(t.Context(), "", time.Now()); err != nil {
		t.Fatal(err)
	}
	path := l.home.path("signing-ring.json")
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyrings.Load(t.Context(), l.home.SigningRing(), keyrings.SigningRing)
	if err != nil {
		t.Fatal(err)
	}
	leaked := ring.Keys[1].Signing.ID()
	if _, err := l.home.Drop(t.Context(), Drops{Signing: []string{leaked}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	l.look(t.Context())
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.home.Drop(t.Context(), Drops{Signing: []string{ring.Keys[3].Signing.ID()}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	l.look(t.Context())
	if l.used.signing.Keys[1].Signing.ID() == leaked || !strings.Contains(log.String(), "want a serial above 3") {
		t.Errorf("a ring with a dropped key is in use: %s", log)
	}
}

// The rings may be rotated any number of times, because keys that are no longer needed are removed.
func TestManyRotations(t *testing.T) {
	home := Home(t.TempDir())
	now := time.Now()
	if _, err := home.EnsureKeys(t.Context(), token.ES256, now); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		now = now.Add(24 * time.Hour)
		if _, err := home.Rotate(t.Context(), "", now); err != nil {
			t.Fatal(err)
		}
	}
	signing, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
	if err != nil || signing.Current() != 41 || len(signing.Keys) > 12 {
		t.Errorf("%d signs of %d keys, %v", signing.Current(), len(signing.Keys), err)
	}
}

// TestMoveAfterACrash: after a move that stopped between two rings, the next move completes it.
func TestMoveAfterACrash(t *testing.T) {
	for name, next := range map[string]func(Home, keyrings.Ring) (keyrings.Version, error){
		"rotate": func(h Home, _ keyrings.Ring) (keyrings.Version, error) { return h.Rotate(t.Context(), "", time.Now()) },
		"drop": func(h Home, r keyrings.Ring) (keyrings.Version, error) {
			return h.Drop(t.Context(), Drops{Signing: []string{r.Keys[2].Signing.ID()}}, time.Now())
		},
	} {
		home := Home(t.TempDir())
		if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(home.path("signing-ring.json"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := home.Rotate(t.Context(), "", time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(home.path("signing-ring.json"), before, 0o600); err != nil { // as if the move had stopped before this ring
			t.Fatal(err)
		}
		ring, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := next(home, ring); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLostRing: the replacement of a lost ring starts at the version of the other rings.
func TestLostRing(t *testing.T) {
	for _, lost := range []string{"signing-ring.json", "refresh-keys.json", "login-ring.json"} {
		home := Home(t.TempDir())
		if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := home.Rotate(t.Context(), "", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(home.path(lost)); err != nil {
			t.Fatal(err)
		}
		if v, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); v != 3 || err != nil {
			t.Errorf("without %s: %d, %v", lost, v, err)
		}
		if v, err := home.Rotate(t.Context(), "", time.Now()); v != 4 || err != nil {
			t.Errorf("after %s was lost: %d, %v", lost, v, err)
		}
	}
}

func TestDropRefused(t *testing.T) {
	home := Home(t.TempDir())
	if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
		t.Fatal(err)
	}
	ring, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := home.Drop(t.Context(), Drops{Signing: []string{"x"}}, time.Now()); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	if _, err := home.Drop(t.Context(), Drops{Refresh: []string{ring.Keys[1].ID()}}, time.Now()); !errors.Is(err, ErrNoKey) {
		t.Errorf("a signing key's id for a refresh-token key: %v", err)
	}
	now, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
	if err != nil || now.Serial != ring.Serial {
		t.Errorf("a refused drop left serial %d, %v", now.Serial, err)
	}
}

// TestDropBothKeys drops the signing key and the next key: the next version signs with a new key.
func TestDropBothKeys(t *testing.T) {
	home := Home(t.TempDir())
	if _, err := home.EnsureKeys(t.Context(), token.ES256, time.Now()); err != nil {
		t.Fatal(err)
	}
	ring, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
	if err != nil {
		t.Fatal(err)
	}
	both := []string{ring.Keys[1].ID(), ring.Keys[2].ID()}
	if v, err := home.Drop(t.Context(), Drops{Signing: both}, time.Now()); err != nil || v != 2 {
		t.Fatalf("version %d, %v", v, err)
	}
	now, err := keyrings.Load(t.Context(), home.SigningRing(), keyrings.SigningRing)
	if err != nil || slices.Contains(both, now.Keys[2].ID()) || now.Current() != 2 {
		t.Errorf("version %d signs, %v", now.Current(), err)
	}
}

// TestDropRefreshKey drops the current refresh-token key. The session whose token it sealed ends,
// and the log has the reason. A later session continues, and so does a session whose token the next
// key sealed.
func TestDropRefreshKey(t *testing.T) {
	l, password, log := newServed(t)
	under1 := loggedIn(t, l, password)
	if _, err := l.home.Rotate(t.Context(), "", time.Now()); err != nil {
		t.Fatal(err)
	}
	l.look(t.Context())
	under2 := loggedIn(t, l, password)
	if v, err := l.home.Drop(t.Context(), Drops{Refresh: []string{l.used.refresh.Keys[1].ID()}}, time.Now()); err != nil || v != 2 {
		t.Fatalf("dropping a key that does not seal: version %d, %v", v, err)
	}
	l.look(t.Context())
	if code, body := refreshed(l, under1); code != http.StatusBadRequest || !strings.Contains(body, `"invalid_grant"`) || !strings.Contains(body, `"terminal":true`) {
		t.Errorf("under the dropped key: %d %s", code, body)
	}
	if !strings.Contains(log.String(), `"key_dropped"`) || strings.Contains(log.String(), `"forged"`) {
		t.Errorf("the log does not tell of the dropped key: %s", log)
	}
	if code, body := refreshed(l, under2); code != http.StatusOK {
		t.Errorf("under the other key: %d %s", code, body)
	}

	// The current key. The last rotation was a moment ago, and the next version signs all the same.
	if v, err := l.home.Drop(t.Context(), Drops{Refresh: []string{l.used.refresh.Keys[2].ID()}}, time.Now()); err != nil || v != 3 {
		t.Fatalf("dropping the key that seals: version %d, %v", v, err)
	}
	l.look(t.Context())
	if code, body := refreshed(l, under2); code != http.StatusBadRequest || !strings.Contains(body, `"terminal":true`) {
		t.Errorf("under the key that sealed: %d %s", code, body)
	}
	if code, body := refreshed(l, loggedIn(t, l, password)); code != http.StatusOK {
		t.Errorf("a new session: %d %s", code, body)
	}
}

// loggedIn opens a session and returns its refresh token.
func loggedIn(t *testing.T, l *live, password string) string {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", here+"/auth/login", strings.NewReader(`{"email":"`+demoEmail+`","password":"`+password+`"}`))
	r.Header.Set("Content-Type", "application/json")
	l.ServeHTTP(w, r)
	var body struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.RefreshToken == "" {
		t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	return body.RefreshToken
}

func refreshed(l *live, refresh string) (int, string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", here+"/auth/refresh", strings.NewReader(`{"refresh_token":"`+refresh+`"}`))
	r.Header.Set("Content-Type", "application/json")
	l.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// The browser gets cookies that work over plain http, and the functions get the cookies that they
// set.
func TestCookiesOnPlainHTTP(t *testing.T) {
	l, password, _ := newServed(t)
	login := func(cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", here+"/auth/login",
			strings.NewReader(`{"email":"`+demoEmail+`","password":"`+password+`","device_delivery":"cookie"}`))
		r.RemoteAddr = "127.0.0.1:1234"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if cookie != "" {
			r.Header.Set("Cookie", "theme=dark; "+cookie)
		}
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		return w
	}
	set := login("").Result().Cookies()
	if len(set) != 1 || set[0].Name != "edgeauth-device" || set[0].Secure || !set[0].HttpOnly || set[0].SameSite != http.SameSiteStrictMode || set[0].Path != "/" {
		t.Fatalf("%+v", set)
	}
	if again := login("edgeauth-device=" + set[0].Value).Result(); again.StatusCode != http.StatusOK || len(again.Cookies()) != 0 {
		t.Errorf("a known device: %d, %v", again.StatusCode, again.Cookies())
	}
}
