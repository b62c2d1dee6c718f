package runtimeapi_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// However a process dies in the middle of a refresh, the client goes on with the token that it has.
func TestCrashLosesNoSession(t *testing.T) {
	for _, store := range stores {
		t.Run(store.name, func(t *testing.T) {
			d := deploy(t, store.at(t), auth.Balanced)
			refresh, lost := d.function("refresh"), 0
			// crash refreshes while the process is killed, and again after that.
			crash := func(kill func()) {
				held := d.login(t, d.password)
				var killing sync.WaitGroup
				killing.Go(kill)
				got := d.refresh(t, held.RefreshToken)
				killing.Wait()
				switch got.Status {
				case http.StatusOK: // the answer was faster
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
			// At moments all over a refresh: before the store is asked, while it writes, and after.
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

// What login did not answer is no session that anybody holds, and the next login works.
func TestCrashOfLogin(t *testing.T) {
	d := deploy(t, stores[0].at(t), auth.Balanced)
	d.function("login").LoseNextAnswer()
	expect(t, "a lost login", d.login(t, d.password), http.StatusInternalServerError, "")
	again := d.login(t, d.password)
	expect(t, "the next login", again, http.StatusOK, "")
	expect(t, "its refresh", d.refresh(t, again.RefreshToken), http.StatusOK, "")
}
