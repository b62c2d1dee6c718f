package e2e_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

// TestMemoryOfParallelLogins checks that a server with 200 simultaneous logins stays within the
// memory of the function. A container has parallel requests; a Lambda instance does not.
func TestMemoryOfParallelLogins(t *testing.T) {
	const (
		logins    = 200
		hashBytes = 19 << 20 // memory of one hash, the least that the server must have used
	)
	if runtime.GOOS != "linux" {
		engine.LeaveOut(t, "Linux, which tells what memory a process has had,", "run the tests there")
	}
	needAddresses(t)
	size, err := runtimeapi.MemorySize("../..", "LoginFunction")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOMAXPROCS", "2") // the CPUs of a function of that size; each runs one hash
	s := fresh(t)
	s.addUsers(t, logins, "correct horse")

	answers := make([]answer, logins)
	each(logins, logins, func(i int) {
		a := attempt{Email: numbered(i), Password: "correct horse"}
		switch i % 4 {
		case 1:
			a.Password = "wrong horse"
		case 3:
			a.Email = numbered(logins + i) // an unknown user
		}
		var err error
		if answers[i], err = s.try(stranger(i), a); err != nil {
			t.Errorf("a login is not answered: %v", err)
		}
	})
	peak, err := runtimeapi.PeakMemory(s.process.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	good := count(answers, http.StatusOK)
	t.Logf("%d good, %d refused, %d throttled, %d told to come again; a peak of %d MiB of %d", good,
		count(answers, http.StatusUnauthorized), count(answers, http.StatusTooManyRequests),
		count(answers, http.StatusServiceUnavailable), peak>>20, size>>20)
	for i, got := range answers {
		switch got.status {
		case http.StatusOK, http.StatusUnauthorized:
			if right := i%2 == 0; right != (got.status == http.StatusOK) {
				t.Errorf("login %d: %v", i, got)
			}
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			if wait, err := got.wait(); err != nil {
				t.Errorf("%v: Retry-After %v, %v", got, wait, err)
			}
		default:
			t.Errorf("login %d: %v", i, got)
		}
	}
	if good == 0 {
		t.Error("no login succeeded")
	}
	if peak < hashBytes || peak > size {
		t.Errorf("a peak of %d bytes", peak)
	}
}

func numbered(i int) string { return fmt.Sprintf("user%d@example.com", i) }

// addUsers adds users directly to the store, all with one hash, because making a hash for each
// would take longer than the test.
func (s *server) addUsers(t *testing.T, n int, secret string) {
	t.Helper()
	hash, err := password.Hasher{}.Hash(auth.NewSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	users, now := s.back(t).stores.Users, time.Now().UTC().Truncate(time.Millisecond)
	each(64, n, func(i int) {
		u := user.User{
			ID: auth.SubjectID(uuid.NewString()), Email: numbered(i), Password: hash,
			Revision: 1, CreatedAt: now, UpdatedAt: now,
		}
		if err := users.Create(t.Context(), u, string(u.ID)); err != nil {
			t.Errorf("adding a user: %v", err)
		}
	})
}
