package service

import (
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// moved returns the sessions after a deployment that moved the refresh-token keys. The stores stay.
func (v *victim) moved(t *testing.T, m keyrings.Move) *session.Manager {
	t.Helper()
	var err error
	if v.refresh, err = v.refresh.Move(m, v.now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.LoadRefresh(t.Context(), inlineOf(t, v.refresh), m.Version, func() time.Time { return v.now })
	if err != nil {
		t.Fatal(err)
	}
	manager, err := session.NewManager(session.Config{
		Store: v.settings.Stores.Sessions, Subjects: &user.Directory{Store: v.settings.Stores.Users},
		Keys: keys, Now: v.settings.Now, Clients: v.settings.clients(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return manager
}

// outcome returns the outcome of a refresh, and the refresh token that the client holds afterwards.
func outcome(t *testing.T, m *session.Manager, token auth.Secret) (session.Outcome, auth.Secret) {
	t.Helper()
	g, err := m.Refresh(t.Context(), session.Request{RefreshToken: token})
	var refusal *session.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal.Outcome, token
	case err != nil:
		t.Fatal(err)
	case g.RefreshToken.Reveal() != "":
		token = g.RefreshToken
	}
	return g.Outcome, token
}

// TestRotationKeepsThief checks that docs/keys.md is right: the refresh-token keys must be dropped
// after their secret was read. A thief with the keys and an old copy of a refresh token seals
// tokens of the current generation. Within the minimum interval after each rotation these tokens
// get access tokens, and nothing distinguishes the thief from the owner. A rotation of the keys
// changes nothing, because the secret also held the next key. A drop ends the theft.
func TestRotationKeepsThief(t *testing.T) {
	v := newVictim(t)
	client := v.Clients()[auth.DefaultClient]
	client.Profile = auth.Balanced
	open := func() auth.Secret {
		t.Helper()
		g, err := v.Sessions().Open(t.Context(), session.Opening{Subject: v.user.Subject(), Client: client, AuthTime: v.now})
		if err != nil {
			t.Fatal(err)
		}
		return g.RefreshToken
	}
	service := v.Sessions()
	renew := func(token auth.Secret) auth.Secret {
		t.Helper()
		v.now = v.now.Add(time.Hour)
		got, token := outcome(t, service, token)
		if got != session.OutcomeRotated {
			t.Fatalf("the owner's refresh: %s", got)
		}
		return token
	}

	// Without the keys an old copy is useless: its use ends the session.
	copied := open()
	renew(renew(copied))
	if got, _ := outcome(t, service, copied); !got.Theft() {
		t.Fatalf("an old copy without the keys: %s", got)
	}

	copied = open()
	owner := renew(renew(renew(copied)))
	stolen := v.refresh.Keys
	service = v.moved(t, keyrings.Move{Version: 2})
	owner = renew(owner)
	old, err := session.Codec{Keys: refreshThief{1, stolen[1].Secret.Reveal()}}.Parse(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	forge := func(id, generation int, profile auth.Profile) auth.Secret {
		t.Helper()
		forged := old
		forged.Profile, forged.Generation, forged.IssuedAt = profile, uint64(generation), v.now
		text, err := session.Codec{Keys: refreshThief{uint16(id), stolen[uint16(id)].Secret.Reveal()}}.Seal(t.Context(), forged)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	// A generation that is too high decides nothing, so the thief tries from above.
	for id := 1; id <= 2; id++ {
		present := 0
		for generation := 12; present == 0; generation-- {
			switch got, _ := outcome(t, service, forge(id, generation, auth.Balanced)); got {
			case session.OutcomeBehind:
			case session.OutcomeSame:
				present = generation
			default:
				t.Fatalf("key %d, generation %d: %s", id, generation, got)
			}
		}
		for range 5 {
			if got, _ := outcome(t, service, forge(id, present+1, auth.Balanced)); got != session.OutcomeBehind {
				t.Fatalf("key %d, before the owner's refresh: %s", id, got)
			}
			owner = renew(owner)
			present++
			if got, _ := outcome(t, service, forge(id, present, auth.Balanced)); got != session.OutcomeSame {
				t.Fatalf("key %d, after the owner's refresh: %s", id, got)
			}
		}
		owner = renew(owner)
	}
	service = v.moved(t, keyrings.Move{Version: 3, DropRefresh: keyrings.Drop{All: true}})
	for id := 1; id <= 2; id++ {
		for generation := range 30 {
			if got, _ := outcome(t, service, forge(id, generation, auth.Balanced)); got != session.OutcomeKeyDropped {
				t.Errorf("key %d, generation %d, after the drop: %s", id, generation, got)
			}
		}
	}
}

// TestStolenKeyOfAnotherProfile checks that a thief with the refresh-token keys and a refresh token
// gains nothing from a token that claims another profile than its session's. A token of the profile
// fixed would never be noticed, and a strict session would answer a balanced token without a trace.
func TestStolenKeyOfAnotherProfile(t *testing.T) {
	v := newVictim(t)
	thief := session.Codec{Keys: refreshThief{1, v.refresh.Keys[1].Secret.Reveal()}}
	for own := auth.Balanced; own <= auth.Fixed; own++ {
		for claimed := auth.Balanced; claimed <= auth.Fixed; claimed++ {
			client := v.Clients()[auth.DefaultClient]
			client.Profile = own
			g, err := v.Sessions().Open(t.Context(), session.Opening{Subject: v.user.Subject(), Client: client, AuthTime: v.now})
			if err != nil {
				t.Fatal(err)
			}
			stolen, err := thief.Parse(t.Context(), g.RefreshToken)
			if err != nil {
				t.Fatal(err)
			}
			stolen.Profile = claimed
			forged, err := thief.Seal(t.Context(), stolen)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := outcome(t, v.Sessions(), forged)
			if own == claimed {
				if !got.Grants() {
					t.Errorf("a session of profile %s: %s", own, got)
				}
				continue
			}
			if got != session.OutcomeReuse {
				t.Errorf("a session of profile %s, as %s: %s", own, claimed, got)
			}
			if got, _ := outcome(t, v.Sessions(), g.RefreshToken); got != session.OutcomeRevoked {
				t.Errorf("a session of profile %s goes on after a token of profile %s: %s", own, claimed, got)
			}
		}
	}
}

// TestPageDropsReadSecrets checks the advice of docs/keys.md for a secret that was read: drop each
// key of its ring.
func TestPageDropsReadSecrets(t *testing.T) {
	page, err := os.ReadFile("../../../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `?(\\w+)`? \\| `(KeyVersion=[^`]*)`[^|]*\\|$")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		got[m[1]] = m[2]
	}
	if want := map[string]string{
		"SigningSecret": "KeyVersion=<next> DropKeys=all",
		"RefreshSecret": "KeyVersion=<next> DropRefreshKeys=all",
		"LoginSecret":   "KeyVersion=<next> DropLoginKeys=all",
		"all":           "KeyVersion=<next> DropKeys=all DropRefreshKeys=all DropLoginKeys=all",
	}; !maps.Equal(got, want) {
		t.Errorf("the page says %v, want %v", got, want)
	}
	if regexp.MustCompile("(?m)^\\| `?\\w*(Secret|all)`? \\|.*otherwise").Match(page) {
		t.Error("the page offers another way than a drop")
	}
}
