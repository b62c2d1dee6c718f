package dynamo_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// house is a manager whose sessions and users are in real tables.
type house struct {
	*session.Manager
	subject auth.Subject
	users   dynamo.Users
}

const (
	subjectID = auth.SubjectID("1b671a64-40d5-491e-99b0-da01ff1f3341")
	email     = "ada@example.com"
)

var (
	aClient = auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 90 * 24 * time.Hour}
	// longestClient fills an item with as much as a deployment would.
	longestClient = auth.Client{ID: auth.ClientID(strings.Repeat("c", 36)), Profile: auth.Balanced,
		IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 365 * 24 * time.Hour, Scope: []string{"read", "write", "orders:read", "orders:write"}}
)

func newHouse(t *testing.T, db *dynamo.DB, now func() time.Time) *house {
	t.Helper()
	h := &house{users: dynamo.Users{DB: db}}
	u := user.User{ID: subjectID, Email: email, Revision: 1, TokenVersion: 1}
	if err := h.users.Create(t.Context(), u, rand.Text()); err != nil {
		t.Fatal(err)
	}
	h.subject = u.Subject()
	var err error
	h.Manager, err = session.NewManager(session.Config{
		Store: dynamo.Sessions{DB: db}, Subjects: &user.Directory{Store: h.users}, Codec: session.Codec{Keys: key{}},
		Rules: session.DefaultRules(), Now: now, Rand: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) setPassword(t *testing.T, secret auth.Secret) {
	t.Helper()
	u, err := h.users.Get(t.Context(), subjectID)
	if err != nil {
		t.Fatal(err)
	}
	if u.Password, err = (&password.Hasher{}).Hash(secret); err != nil {
		t.Fatal(err)
	}
	if err := h.users.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

func (h *house) login(t *testing.T, c auth.Client) session.Granted {
	t.Helper()
	g, err := h.Open(t.Context(), session.Opening{Subject: h.subject, Client: c, AuthTime: h.Now(),
		UserAgent: strings.Repeat("u", 200), Address: "2001:db8:85a3:1234:5678:8a2e:0370:7334"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type key struct{}

func (key) SealingKey(context.Context) (auth.RefreshTokenKey, error) {
	return auth.RefreshTokenKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("k", auth.RefreshTokenKeyBytes))}, nil
}

func (k key) RefreshTokenKey(ctx context.Context, _ uint16) (auth.RefreshTokenKey, error) {
	return k.SealingKey(ctx)
}

func (key) Reload(context.Context, time.Time) error { return nil }

type loginKey struct{}

func (loginKey) SealingKey(context.Context) (auth.LoginKey, error) {
	return auth.LoginKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("l", auth.LoginKeyBytes))}, nil
}

func (k loginKey) LoginKey(ctx context.Context, _ uint16) (auth.LoginKey, error) {
	return k.SealingKey(ctx)
}

// sizer keeps the length of the last answer to a GetItem.
type sizer struct {
	next http.RoundTripper
	last atomic.Int64
}

func (s *sizer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") {
		return answer, err
	}
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	s.last.Store(int64(len(raw)))
	answer.Body = io.NopCloser(strings.NewReader(string(raw)))
	return answer, nil
}
