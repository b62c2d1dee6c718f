package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/backend"
	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// openHome returns the stores and the login keys of a home.
func openHome(t *testing.T, home string) (backend.Stores, *keyring.Login) {
	t.Helper()
	source := keyrings.File(filepath.Join(home, "login-ring.json"))
	ring, err := keyrings.Load(t.Context(), source, keyrings.LoginRing)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.LoadLogin(t.Context(), source, ring.Current(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	stores, err := backend.OpenStores(config.Stores{BoltPath: filepath.Join(home, "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	return stores, keys
}

// flowsOf returns the flows of a home, as its account function has them.
func flowsOf(t *testing.T, home string) (*flow.Manager, *user.Directory) {
	t.Helper()
	stores, keys := openHome(t, home)
	users := &user.Directory{Store: stores.Users, Hasher: password.Hasher{}}
	gate, err := login.New(login.Config{Users: stores.Users, Hasher: password.Hasher{}, Counters: throttle.Unlimited, Keys: keys, Passwords: users})
	if err != nil {
		t.Fatal(err)
	}
	m, err := flow.New(flow.Config{
		Store: stores.Flows, Users: users, Gate: gate, Counters: throttle.Unlimited, Keys: keys, SignUp: flow.SignUp{Admit: flow.AdmitInvited},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, users
}

// TestUserCode: the printed code sets a new password after "user reset", once, and does not say that the
// address is verified.
func TestUserCode(t *testing.T) {
	home := newHome(t)
	m, users := flowsOf(t, home)
	done(t, "correct horse battery", "user", "add", "ada@example.com", "--data", home)
	before, err := users.Find(t.Context(), "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	lines(t, strings.TrimSpace(done(t, "", "user", "reset", "ada@example.com", "--data", home)), `password removed, sessions ended: ada@example.com, subject .*`)
	after, err := users.Find(t.Context(), "ada@example.com")
	if err != nil || after.Password.Reveal() != "" || after.TokenVersion != before.TokenVersion+1 {
		t.Errorf("%+v, %v", after, err)
	}
	lines(t, strings.TrimSpace(done(t, "", "user", "code", "ada@example.com", "--data", home)),
		`reset of ada@example.com, subject .*, for 10 minutes and one use; each holder of both can log in`, `auth_session +eas_.*`, `code +[0-9]{8}`)
	var printed struct {
		Session string `json:"auth_session"`
		Code    string
	}
	for _, purpose := range []string{"login", "reset"} {
		if err := json.Unmarshal([]byte(done(t, "", "user", "code", string(after.ID), "--purpose", purpose, "--data", home, "--json")), &printed); err != nil {
			t.Fatal(err)
		}
		a := flow.Answer{Session: auth.NewSecret(printed.Session), Code: auth.NewSecret(printed.Code), Client: auth.DefaultClient}
		if purpose == "reset" {
			a.NewPassword = auth.NewSecret("battery staple horse")
		}
		v, err := m.Verify(t.Context(), a)
		if err != nil || v.User.ID != after.ID || v.User.VerifiedEmail != "" {
			t.Errorf("%s: %+v, %v", purpose, v, err)
		}
		if _, err := m.Verify(t.Context(), a); err == nil {
			t.Errorf("%s: a second use", purpose)
		}
	}
	if u, err := users.Find(t.Context(), "ada@example.com"); err != nil || u.VerifiedEmail != "" || u.TokenVersion != after.TokenVersion+1 {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestUserInvite: the printed invitation permits a sign-up of its address.
func TestUserInvite(t *testing.T) {
	home := newHome(t)
	m, _ := flowsOf(t, home)
	var printed struct {
		Invite string
		Until  time.Time
	}
	if err := json.Unmarshal([]byte(done(t, "", "user", "invite", "grace@example.com", "--data", home, "--json")), &printed); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(printed.Until); left > flow.InviteLifetime || left < flow.InviteLifetime-time.Minute {
		t.Errorf("until %v", printed.Until)
	}
	begin := func(invite string) flow.Hold {
		t.Helper()
		b, err := m.Begin(t.Context(), flow.Request{
			Purpose: flow.PurposeSignup, Client: auth.DefaultClient, Email: "Grace@example.com", Invite: auth.NewSecret(invite),
		})
		if err != nil {
			t.Fatal(err)
		}
		return b.Held
	}
	if begin(printed.Invite) != "" || begin("") != flow.HoldClosed {
		t.Error("the invitation does not decide")
	}
	lines(t, strings.TrimSpace(done(t, "", "user", "invite", "bob@example.com", "--data", home)),
		`bob@example.com may sign up once, until .*, with this invitation:`, `ein_[\w-]{22}`)
}
