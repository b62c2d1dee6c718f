package dynamo_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/dynamo"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// manager is a session manager on real tables of sessions and users, with one user.
type manager struct {
	*session.Manager
	authenticator *login.Authenticator // with the default limits
	hasher        login.Hasher
	subject       auth.Subject
	users         user.Store
	stored        session.Store
	now           func() time.Time
}

const (
	subjectID = auth.SubjectID("1b671a64-40d5-491e-99b0-da01ff1f3341")
	email     = "ada@example.com"
)

var (
	aClient = auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 90 * 24 * time.Hour}
	// longestClient fills an item with the longest values that a deployment may have.
	longestClient = auth.Client{ID: auth.ClientID(strings.Repeat("c", 36)), Profile: auth.Balanced,
		IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 365 * 24 * time.Hour, Scope: []string{"read", "write", "orders:read", "orders:write"}}
)

func newManager(t *testing.T, db *dynamo.DB, now func() time.Time) *manager {
	t.Helper()
	m := &manager{users: db.Users(), stored: db.Sessions(), now: now}
	a := authtest.New(t, authtest.Config{Algorithm: token.EdDSA, Settings: func(s *service.Settings) {
		s.Stores = service.Stores{Users: m.users, Sessions: db.Sessions(), Counters: db.Counters(), Versions: db.Versions(), Revocations: db.Revocations(), Flows: db.Flows()}
		s.Client, s.Clients, s.Now = aClient, []auth.Client{longestClient}, now
		m.hasher = s.Hasher
	}})
	m.Manager, m.authenticator = a.Service.Sessions(), a.Service.Authenticator()
	hash, err := m.hasher.Hash(auth.NewSecret(authtest.Password))
	if err != nil {
		t.Fatal(err)
	}
	u := user.User{ID: subjectID, Email: email, Password: hash, Revision: 1, TokenVersion: 1}
	if err := m.users.Create(t.Context(), u, rand.Text()); err != nil {
		t.Fatal(err)
	}
	m.subject = u.Subject()
	return m
}

func (m *manager) login(t *testing.T, c auth.Client) session.Granted {
	t.Helper()
	g, err := m.Open(t.Context(), session.Opening{Subject: m.subject, Client: c, AuthTime: m.now(),
		UserAgent: strings.Repeat("u", 200), Address: "2001:db8:85a3:1234:5678:8a2e:0370:7334"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// itemSize returns the size of the item in a reply to GetItem by the rules of DynamoDB: the length
// of names, texts and binaries, one byte for a flag, and for a number one byte plus one for every
// two digits.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func itemSize(reply []byte) (size int64) {
	var got struct {
		Item map[string]struct {
			S, N string
			B    []byte
			BOOL *bool
		}
	}
	if json.Unmarshal(reply, &got) != nil {
		return 1 << 20
	}
	for name, v := range got.Item {
		size += int64(len(name) + len(v.S) + len(v.B))
		if v.N != "" {
			size += int64(1 + (len(v.N)+1)/2)
		}
		if v.BOOL != nil {
			size++
		}
	}
	return size
}

// sizer keeps the size of the item in the last reply to GetItem.
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
	s.last.Store(itemSize(raw))
	answer.Body = io.NopCloser(strings.NewReader(string(raw)))
	return answer, nil
}
