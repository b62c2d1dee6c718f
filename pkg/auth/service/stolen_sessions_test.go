package service

import (
	"context"
	"crypto/sha256"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// refreshThief seals refresh tokens with stolen key material.
type refreshThief thief

func (k refreshThief) SealingKey(context.Context) (auth.RefreshTokenKey, error) {
	return auth.RefreshTokenKey{ID: k.id, Secret: auth.NewSecret(k.material)}, nil
}

func (k refreshThief) RefreshTokenKey(ctx context.Context, _ uint16) (auth.RefreshTokenKey, error) {
	return k.SealingKey(ctx)
}

func (refreshThief) Reload(context.Context, time.Time) error { return nil }

// TestStolenRefreshKeys checks that all keys and a dump of the tables open no session and end no
// session. The thief knows each field of the session's item and seals authentic tokens for it. Only
// the secret, whose hash is the session's id, is missing.
func TestStolenRefreshKeys(t *testing.T) {
	v := newVictim(t)
	client, ok := v.Clients()[auth.DefaultClient]
	if !ok {
		t.Fatal("no default client")
	}
	client.Profile = auth.Balanced
	opened, err := v.Sessions().Open(t.Context(), session.Opening{Subject: v.user.Subject(), Client: client, AuthTime: v.now})
	if err != nil {
		t.Fatal(err)
	}
	dump := func() session.Session {
		t.Helper()
		s, err := v.settings.Stores.Sessions.Get(t.Context(), opened.Session.Key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := dump()
	sid := before.ID
	digest := sha256.Sum256(sid[:])
	material := stolen(t, v)
	for version, entry := range v.ring.Keys {
		material["login key "+string(rune('0'+version))] = entry.Secret.Reveal()
	}
	secrets := map[string][]byte{"the session's id": sid[:], "its hash": digest[:16], "zeros": make([]byte, 16)}
	for name, text := range material {
		if len(text) >= 16 {
			secrets[name] = []byte(text)[:16]
		}
	}
	authentic := 0
	for name, text := range material {
		for _, id := range v.refresh.Versions() {
			for guess, secret := range secrets {
				for _, profile := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
					forged, err := session.Codec{Keys: refreshThief{id, text}}.Seal(t.Context(), session.Token{
						Profile: profile, Subject: v.user.ID, Secret: auth.NewSecret(string(secret)),
						Generation: before.Generation, Branch: before.Parent, IssuedAt: v.now,
					})
					if err != nil {
						t.Fatal(err)
					}
					_, err = v.Sessions().Refresh(t.Context(), session.Request{RefreshToken: forged})
					if !errors.Is(err, session.ErrEnded) {
						t.Fatalf("sealed with %s as key %d, secret %s, %v: %v", name, id, guess, profile, err)
					}
					var refusal *session.Refusal
					if errors.As(err, &refusal) && refusal.Outcome != session.OutcomeForged {
						authentic++
					}
					if ended, err := v.Sessions().Logout(t.Context(), forged, nil); err != nil || ended.Outcome == session.OutcomeLoggedOut {
						t.Fatalf("logout with %s: %+v, %v", guess, ended, err)
					}
				}
			}
		}
	}
	if authentic == 0 {
		t.Error("no forged token was authentic: the stolen refresh-token keys were not tried")
	}
	if after := dump(); !reflect.DeepEqual(before, after) {
		t.Errorf("the session was %+v and is %+v", before, after)
	}
	if _, err := v.Sessions().Refresh(t.Context(), session.Request{RefreshToken: opened.RefreshToken}); err != nil {
		t.Errorf("the owner's own token: %v", err)
	}
}
