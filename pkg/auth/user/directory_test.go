package user_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// shelf implements the part of Store that Directory needs.
type shelf struct {
	user.Store
	users    map[auth.SubjectID]user.User
	pointers map[user.Email]auth.SubjectID
	requests []string
	fail     error
}

func newShelf() *shelf {
	return &shelf{users: map[auth.SubjectID]user.User{}, pointers: map[user.Email]auth.SubjectID{}}
}

func (s *shelf) Create(_ context.Context, u user.User, request string) error {
	if s.fail != nil {
		return s.fail
	}
	key, err := user.NormalizeEmail(u.Email)
	if err != nil {
		return err
	}
	if _, taken := s.pointers[key]; taken {
		return user.ErrExists
	}
	s.users[u.ID], s.pointers[key] = u, u.ID
	s.requests = append(s.requests, request)
	return nil
}

func (s *shelf) Get(_ context.Context, id auth.SubjectID) (user.User, error) {
	u, ok := s.users[id]
	if !ok {
		return user.User{}, auth.ErrNotFound
	}
	return u, nil
}

func (s *shelf) List(_ context.Context, after auth.SubjectID, _ int) (user.Page, error) {
	return user.Page{Users: []user.User{{ID: "after " + after}}}, nil
}

// plain stores a password with a prefix, without hashing.
type plain struct{ err error }

func (p plain) Hash(secret auth.Secret) (auth.Secret, error) {
	return auth.NewSecret("hash of " + secret.Reveal()), p.err
}

var good = auth.NewSecret("correct horse")

func TestAddStoresTheUser(t *testing.T) {
	store := newShelf()
	noon := time.Date(2026, 5, 1, 12, 0, 0, 1_999_999, time.FixedZone("CEST", 7200))
	d := user.Directory{
		Store: store, Hasher: plain{},
		Now:   func() time.Time { return noon },
		NewID: func() auth.SubjectID { return "s1" },
	}
	roles := []string{"admin"}
	u, err := d.Add(context.Background(), " Ada@Example.com ", good, roles)
	if err != nil {
		t.Fatal(err)
	}
	roles[0] = "changed later"
	stored := store.users["s1"]
	when := time.Date(2026, 5, 1, 10, 0, 0, 1_000_000, time.UTC)
	switch {
	case u.ID != "s1" || stored.ID != "s1":
		t.Errorf("subject %q, stored %q", u.ID, stored.ID)
	case stored.Email != "Ada@Example.com":
		t.Errorf("mail would go to %q", stored.Email)
	case stored.Password.Reveal() != "hash of correct horse":
		t.Errorf("password is stored as %q", stored.Password.Reveal())
	case len(stored.Roles) != 1 || stored.Roles[0] != "admin":
		t.Errorf("roles %q", stored.Roles)
	case stored.Revision != 1 || stored.Disabled || stored.MustChange:
		t.Errorf("stored %+v", stored)
	case stored.CreatedAt != when || stored.UpdatedAt != when:
		t.Errorf("created %v, updated %v", stored.CreatedAt, stored.UpdatedAt)
	case len(store.requests) != 1 || store.requests[0] != "s1":
		t.Errorf("request tokens %q", store.requests)
	}
}

func TestAddRefuses(t *testing.T) {
	noHash := errors.New("no randomness")
	for _, row := range []struct {
		name, email, password string
		hashErr, storeErr     error
		want                  error
	}{
		{"no e-mail", "ada", "correct horse", nil, nil, user.ErrEmail},
		{"short password", "ada@example.com", "horse", nil, nil, password.ErrTooShort},
		{"long password", "ada@example.com", strings.Repeat("x", 1025), nil, nil, password.ErrTooLong},
		{"no hash", "ada@example.com", "correct horse", noHash, nil, noHash},
		{"taken", "ada@example.com", "correct horse", nil, user.ErrExists, user.ErrExists},
		{"store away", "ada@example.com", "correct horse", nil, auth.ErrUnavailable, auth.ErrUnavailable},
	} {
		store := newShelf()
		store.fail = row.storeErr
		d := user.Directory{Store: store, Hasher: plain{row.hashErr}}
		u, err := d.Add(context.Background(), row.email, auth.NewSecret(row.password), nil)
		if !errors.Is(err, row.want) || u.ID != "" || len(store.users) != 0 {
			t.Errorf("%s: %v, %v, %d stored", row.name, u.ID, err, len(store.users))
		}
	}
}

// A backend would read a role with a space as two roles, and no token could carry it.
func TestAddRefusesRoles(t *testing.T) {
	for _, role := range []string{"", " ", "a b", "a\nb", "a\u00a0b", "\xff", strings.Repeat("x", 65)} {
		store := newShelf()
		d := user.Directory{Store: store, Hasher: plain{}}
		_, err := d.Add(context.Background(), "ada@example.com", auth.NewSecret("correct horse"), []string{"good", role})
		if !errors.Is(err, user.ErrRole) || len(store.users) != 0 {
			t.Errorf("%q: %v", role, err)
		}
	}
}

func TestOneMailboxMakesOneAccount(t *testing.T) {
	for _, row := range []struct {
		name, first, second string
		want                error
	}{
		{"case", "ada@example.com", "ADA@EXAMPLE.COM", user.ErrExists},
		{"decomposed", "zo\u00eb@example.com", "zoe\u0308@example.com", user.ErrExists},
		{"J with caron, then composed", "J\u030c@example.com", "\u01f0@example.com", user.ErrExists},
		{"composed, then J with caron", "\u01f0@example.com", "J\u030c@example.com", user.ErrExists},
		{"dotted I in both forms", "\u0130@example.com", "I\u0307@example.com", user.ErrExists},
		{"Kelvin sign", "k@example.com", "\u212a@example.com", user.ErrExists},
		{"domain in letters, then in ASCII", "info@d\u00f6m\u00e4in.example", "info@xn--dmin-moa0i.example", user.ErrExists},
		{"fullwidth domain", "info@example.com", "info@\uff45xample.com", user.ErrExists},
		{"fullwidth is another", "a@example.com", "\uff41@example.com", nil},
		{"final sigma is another", "\u03c3@example.com", "\u03c2@example.com", nil},
	} {
		d := user.Directory{Store: newShelf(), Hasher: plain{}}
		if _, err := d.Add(context.Background(), row.first, good, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Add(context.Background(), row.second, good, nil); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestSubjectsAreRandomUUIDs(t *testing.T) {
	d := user.Directory{Store: newShelf(), Hasher: plain{}}
	a, errA := d.Add(context.Background(), "a@example.com", good, nil)
	b, errB := d.Add(context.Background(), "b@example.com", good, nil)
	id, err := uuid.Parse(string(a.ID))
	if errA != nil || errB != nil || err != nil || id.Version() != 4 || a.ID == b.ID {
		t.Errorf("%q %v, %q %v, %v", a.ID, errA, b.ID, errB, err)
	}
}

func TestDirectorySubject(t *testing.T) {
	store := newShelf()
	store.users["s1"] = user.User{ID: "s1", Disabled: true, TokenVersion: 7, Roles: []string{"r"}, Claims: map[string]any{"c": "d"}}
	d := user.Directory{Store: store}
	got, err := d.Subject(context.Background(), "s1")
	if err != nil || got.ID != "s1" || !got.Disabled || got.TokenVersion != 7 || got.Roles[0] != "r" || got.Claims["c"] != "d" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := d.Subject(context.Background(), "s2"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if page, err := d.List(context.Background(), "s1", 10); err != nil || page.Users[0].ID != "after s1" {
		t.Errorf("list: %v, %v", page, err)
	}
}

func TestLogsShowNoAddress(t *testing.T) {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "user", user.User{ID: "s1", Email: "ada@example.com", Password: good})
	if text := out.String(); !strings.Contains(text, `"user":"s1"`) || strings.Contains(text, "ada") {
		t.Error(text)
	}
}
