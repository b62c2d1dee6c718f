package runtimeapi_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

// hashBytes is the memory of one password hash, the least that a process that hashed must have
// used.
const hashBytes = 19 << 20

// The deployed program stays within its memory after 200 parallel logins. Lambda gives an instance
// one event at a time, so only memory that a hash does not free could add up.
func TestMemoryOfLogin(t *testing.T) {
	const logins = 200
	size, err := runtimeapi.MemorySize("../..", "LoginFunction")
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t, variables{config.Store: "bolt:" + filepath.Join(t.TempDir(), "store.db")}, auth.Balanced)
	answers := make([]int, logins)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			who := email // whose successful logins keep the counter at zero
			if i%4 == 3 {
				who = fmt.Sprintf("nobody%d@example.com", i)
			}
			body := map[string]string{"email": who, "password": d.password.Reveal()}
			answers[i] = d.send(t, http.MethodPost, "/auth/login", body, "").Status
		})
	}
	all.Wait()
	count := map[int]int{}
	for _, status := range answers {
		count[status]++
	}
	peak, err := d.function("login").PeakMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v; a peak of %d MiB of %d", count, peak>>20, size>>20)
	known := 0
	for _, status := range []int{
		http.StatusOK, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable,
	} {
		known += count[status]
	}
	if known != logins || count[http.StatusOK] == 0 {
		t.Errorf("answers: %v", count)
	}
	if peak < hashBytes || peak > size {
		t.Errorf("a peak of %d bytes", peak)
	}
}
