//go:build unix

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/flow"
)

// BenchmarkCode measures a request for a code and a wrong code, for an address with an account and
// for an address without one. If the times differed, an attacker could learn which accounts exist,
// so a rank test compares them.
func BenchmarkCode(b *testing.B) {
	b.Run("ask", func(b *testing.B) {
		d := newDesk(b)
		compare(b, contestant{"known", d.asks("active", "login")}, contestant{"unknown", d.asks("absent", "login")})
	})
	b.Run("sign-up", func(b *testing.B) {
		d := newDesk(b)
		compare(b, contestant{"known", d.asks("active", "signup")}, contestant{"unknown", d.asks("absent", "signup")})
	})
	b.Run("verify", func(b *testing.B) {
		d := newDesk(b)
		compare(b, contestant{"known", d.guesses(b, "active")}, contestant{"unknown", d.guesses(b, "absent")})
	})
}

// compare lets two contestants take turns and reports the rank test of their times.
func compare(b *testing.B, one, other contestant) {
	t := shuffled(b, 1, []contestant{one, other})
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median(t[one.name].took))/1e6, one.name+"-ms")
	b.ReportMetric(float64(median(t[other.name].took))/1e6, other.name+"-ms")
	area, p := rankTest(t[one.name].took, t[other.name].took)
	b.ReportMetric(area, "AUC")
	b.ReportMetric(p, "p")
}

// desk is the account function, with the accounts of a door.
type desk struct {
	http.Handler
	asked atomic.Int32
}

func newDesk(b *testing.B) *desk {
	b.Helper()
	h, err := newService(b, boltStores(b)).Handler("account")
	if err != nil {
		b.Fatal(err)
	}
	return &desk{Handler: h}
}

// send sends a body, each time from another address, and returns the answer, which must have the status.
func (d *desk) send(path string, body map[string]string, want int) (*httptest.ResponseRecorder, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	from := d.asked.Add(1)
	r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:443", byte(from>>16), byte(from>>8), byte(from))
	w := httptest.NewRecorder()
	if d.ServeHTTP(w, r); w.Code != want {
		return nil, fmt.Errorf("%d %s", w.Code, w.Body)
	}
	return w, nil
}

// asks returns a function that requests codes for the addresses of one kind in turn.
func (d *desk) asks(kind, purpose string) func() error {
	var next atomic.Int64
	return func() error {
		_, err := d.send("/auth/code", map[string]string{"email": address(kind, int(next.Add(1))), "purpose": purpose}, http.StatusAccepted)
		return err
	}
}

// guesses returns a function that tries a wrong code in flows of one kind, in each flow at most
// three times.
func (d *desk) guesses(b *testing.B, kind string) func() error {
	b.Helper()
	const flows = 1000
	sessions := make([]string, 0, flows)
	for i := range flows {
		w, err := d.send("/auth/code", map[string]string{"email": address(kind, i), "purpose": "login"}, http.StatusAccepted)
		if err != nil {
			b.Fatal(err)
		}
		var begun struct {
			Session string `json:"auth_session"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &begun); err != nil {
			b.Fatal(err)
		}
		sessions = append(sessions, begun.Session)
	}
	next := 0
	return func() error {
		s := sessions[next%flows]
		if next++; next > flow.Tries*flows {
			return fmt.Errorf("the benchmark has %d flows of %d tries; run it with fewer rounds", flows, flow.Tries)
		}
		_, err := d.send("/auth/code/verify", map[string]string{"auth_session": s, "code": "00000000"}, http.StatusBadRequest)
		return err
	}
}
