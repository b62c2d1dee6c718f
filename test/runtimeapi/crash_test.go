package runtimeapi_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// If a process dies during a refresh, at any moment, the client can continue with the token it has.
func TestCrashLosesNoSession(t *testing.T) {
	for _, store := range stores {
		t.Run(store.name, func(t *testing.T) {
			d := deploy(t, store.at(t), auth.Balanced)
			refresh, lost := d.function("refresh"), 0
			// crash refreshes while the process is killed, and once more afterwards.
			crash := func(kill func()) {
				held := d.login(t, d.password)
				var killing sync.WaitGroup
				killing.Go(kill)
				got := d.refresh(t, held.RefreshToken)
				killing.Wait()
				switch got.Status {
				case http.StatusOK: // the answer came before the kill
					held = got
				case http.StatusInternalServerError:
					lost++
				default:
					t.Errorf("answered %d %q while its process died", got.Status, got.Error)
				}
				expect(t, "the next refresh", d.refresh(t, held.RefreshToken), http.StatusOK, "")
			}

			crash(func() {}) // starts the processes
			refresh.LoseNextAnswer()
			crash(func() {})
			if lost != 1 {
				t.Error("the answer was not lost")
			}
			// The moments cover the whole refresh: before the store is called, during the write,
			// and after it.
			held := d.login(t, d.password)
			begin := time.Now()
			d.refresh(t, held.RefreshToken)
			whole := time.Since(begin)
			const moments = 16
			for n := range time.Duration(moments) {
				crash(func() { time.Sleep(whole * n / moments); refresh.Kill() })
			}
			t.Logf("%d of %d answers were lost; a refresh takes %s", lost, 2+moments, whole)
		})
	}
}

// A login that was not answered gives no session to any client, and the next login works.
func TestCrashOfLogin(t *testing.T) {
	d := deploy(t, stores[0].at(t), auth.Balanced)
	d.function("login").LoseNextAnswer()
	expect(t, "a lost login", d.login(t, d.password), http.StatusInternalServerError, "")
	again := d.login(t, d.password)
	expect(t, "the next login", again, http.StatusOK, "")
	expect(t, "its refresh", d.refresh(t, again.RefreshToken), http.StatusOK, "")
}
