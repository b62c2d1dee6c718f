package service

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	ada    = "ada@example.com"
	secret = "correct horse battery"
)

// namedCounters remembers the names of all counters in a store: a dump of the attempts table.
type namedCounters struct {
	throttle.Counters
	names map[string]bool
	path  string // of the store's file
}

func (c *namedCounters) Update(ctx context.Context, key string, u throttle.Update) (throttle.Counter, bool, error) {
	c.names[key] = true
	return c.Counters.Update(ctx, key, u)
}

func newNamedCounters(t *testing.T) *namedCounters {
	t.Helper()
	path := filepath.Join(t.TempDir(), "counters.db")
	stores, err := OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	return &namedCounters{stores.Counters, map[string]bool{}, path}
}

// thief uses stolen key material as if it were a login key.
type thief struct {
	id       uint16
	material string
}

func (k thief) SealingKey(context.Context) (auth.LoginKey, error) {
	return auth.LoginKey{ID: k.id, Secret: auth.NewSecret(k.material)}, nil
}

func (k thief) LoginKey(ctx context.Context, _ uint16) (auth.LoginKey, error) {
	return k.SealingKey(ctx)
}

// victim is a deployment with one user, whose account strangers have just used up.
type victim struct {
	*Service
	user     user.User
	counters *namedCounters
	path     string // of the file with the users and the sessions
	now      time.Time
	device   auth.Secret // a genuine known-device token
	// reference is what the audit log calls the user's e-mail.
	reference              string
	signing, refresh, ring keyrings.Ring
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{now: time.Now().Truncate(time.Second), counters: newNamedCounters(t), path: filepath.Join(t.TempDir(), "store.db")}
	var err1, err2, err3 error
	v.signing, err1 = keyrings.NewSigningRing(token.EdDSA, v.now, rand.Reader)
	v.refresh, err2 = keyrings.NewRefreshRing(v.now, rand.Reader)
	v.ring, err3 = keyrings.NewLoginRing(v.now, rand.Reader)
	stores, err4 := OpenBolt(v.path)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	stores.Counters = v.counters
	clock := func() time.Time { return v.now }
	var err error
	v.Service, err = New(t.Context(), Settings{
		Issuer: "https://auth.example.com", Audience: []string{"https://api.example.com"}, KeyVersion: 1, Stores: stores,
		SigningRing: inlineOf(t, v.signing), RefreshKeys: inlineOf(t, v.refresh), LoginRing: inlineOf(t, v.ring),
		Now:    clock,
		Client: auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced},
	})
	if err != nil {
		t.Fatal(err)
	}
	directory := user.Directory{Store: stores.Users, Hasher: password.Hasher{}, Now: clock}
	if v.user, err = directory.Add(t.Context(), ada, auth.NewSecret(secret), nil); err != nil {
		t.Fatal(err)
	}
	good, err := v.login(t, secret, auth.Secret{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	v.reference = good.Reference
	if v.device, err = v.Authenticator().Device(t.Context(), v.user); err != nil {
		t.Fatal(err)
	}
	for i := 1; ; i++ { // each guess comes from another network
		_, err := v.login(t, "wrong", auth.Secret{}, i)
		if errors.Is(err, login.ErrThrottled) {
			return v
		}
		if !errors.Is(err, login.ErrInvalidCredentials) || i > 100 {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
}

func (v *victim) login(t *testing.T, guess string, device auth.Secret, network int) (login.Result, error) {
	t.Helper()
	return v.Authenticator().Login(t.Context(), login.Credentials{
		Email: ada, Password: auth.NewSecret(guess), Device: device,
		Address: netip.AddrFrom4([4]byte{203, 0, 113, byte(network)}),
	})
}

// with returns logins of the user under the thief's keys, which name other counters.
func (v *victim) with(t *testing.T, k thief, counters throttle.Counters) *login.Authenticator {
	t.Helper()
	who, err := login.New(login.Config{
		Users: v.settings.Stores.Users, Hasher: password.Hasher{}, Counters: counters, Keys: k, Now: v.settings.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// named returns the names of the counters of the user's account and of a network under the thief's
// key.
func (v *victim) named(t *testing.T, k thief) map[string]bool {
	t.Helper()
	counters := newNamedCounters(t)
	_, err := v.with(t, k, counters).Login(t.Context(), login.Credentials{
		Email: ada, Password: auth.NewSecret("wrong"), Address: netip.MustParseAddr("203.0.113.0"),
	})
	if !errors.Is(err, login.ErrInvalidCredentials) {
		t.Fatal(err)
	}
	return counters.names
}

// gains lists what a thief can do with a key: forge a known-device token, name counters, recognize
// pseudonyms.
func (v *victim) gains(t *testing.T, k thief) (gains []string) {
	t.Helper()
	forged, err := v.with(t, k, throttle.Unlimited).Device(t.Context(), v.user)
	if err != nil {
		t.Fatal(err)
	}
	switch _, err := v.login(t, secret, forged, 200); {
	case err == nil:
		gains = append(gains, "known device")
	case !errors.Is(err, login.ErrThrottled):
		t.Fatal(err)
	}
	for name := range v.named(t, k) {
		if v.counters.names[name] {
			gains = append(gains, "counter")
		}
	}
	reference, err := throttle.Reference(t.Context(), k, ada)
	if err != nil {
		t.Fatal(err)
	}
	if reference == v.reference {
		gains = append(gains, "reference")
	}
	return gains
}

// TestStolenKeys checks that the refresh-token keys and the signing ring, with a dump of the
// tables, forge no known-device token and name no counter and no account. The login ring can do all
// of this, which shows that the test can detect it.
func TestStolenKeys(t *testing.T) {
	v := newVictim(t)
	for version, entry := range v.ring.Keys {
		gains := v.gains(t, thief{version, entry.Secret.Reveal()})
		want := "[known device]" // version 2 is accepted, but names nothing yet
		if version == v.ring.Current() {
			want = "[known device counter counter reference]"
		}
		if got := fmt.Sprint(gains); got != want {
			t.Errorf("login key %d gives %s, want %s", version, got, want)
		}
	}
	for name, material := range stolen(t, v) {
		for _, id := range v.ring.Versions() {
			if gains := v.gains(t, thief{id, material}); len(gains) > 0 {
				t.Errorf("%s as key %d gives %v", name, id, gains)
			}
		}
	}
	if _, err := v.login(t, secret, v.device, 201); err != nil {
		t.Errorf("the genuine known device: %v", err)
	}
}

// TestStolenLoginRing checks what docs/keys.md says about a stolen login ring: each forged
// known-device token has its own counter, so guesses continue without a wait. They are still
// guesses: a forged token opens nothing.
func TestStolenLoginRing(t *testing.T) {
	v := newVictim(t)
	who := v.with(t, thief{1, v.ring.Keys[1].Secret.Reveal()}, throttle.Unlimited)
	for i := range 2 * login.DefaultLimits().Device.Free {
		forged, err := who.Device(t.Context(), v.user)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.login(t, "wrong", forged, 200); !errors.Is(err, login.ErrInvalidCredentials) {
			t.Fatalf("guess %d: %v, want %v", i, err, login.ErrInvalidCredentials)
		}
	}
}

// stolen returns all key material but the login ring's, by name.
func stolen(t *testing.T, v *victim) map[string]string {
	t.Helper()
	all := map[string]string{"no key": strings.Repeat("\x00", auth.KeyBytes)}
	for version, entry := range v.refresh.Keys {
		all[fmt.Sprint("refresh-token key ", version)] = entry.Secret.Reveal()
	}
	for version, entry := range v.signing.Keys {
		jwk := entry.Signing.JWK().Reveal()
		var members map[string]string
		if err := json.Unmarshal([]byte(jwk), &members); err != nil {
			t.Fatal(err)
		}
		private, err := base64.RawURLEncoding.DecodeString(members["d"])
		if err != nil || len(private) != auth.KeyBytes {
			t.Fatalf("%d bytes of private key, %v", len(private), err)
		}
		all[fmt.Sprint("signing key ", version)] = string(private)
		all[fmt.Sprint("signing key as JWK ", version)] = jwk
	}
	return all
}

// TestLoginKeysOutliveDevices checks that a login key is kept for longer than the known-device
// tokens under it.
func TestLoginKeysOutliveDevices(t *testing.T) {
	if keyrings.LoginKeyRetention < login.DeviceLifetime {
		t.Errorf("login keys are kept for %v, known-device tokens live for %v", keyrings.LoginKeyRetention, login.DeviceLifetime)
	}
}

func inlineOf(t *testing.T, r keyrings.Ring) keyrings.Source {
	t.Helper()
	text, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	return keyrings.Inline(text)
}
