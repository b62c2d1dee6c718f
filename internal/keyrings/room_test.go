package keyrings

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"
)

// TestRoom checks the rotation interval in docs/keys.md: a rotation every second day always has
// room. A rotation every day does not.
func TestRoom(t *testing.T) {
	const stack = "arn:aws:cloudformation:eu-central-1:123456789012:stack/edgeauth/5b918d10-cd98-11ea-90d5-0a9cd3354c10"
	for _, kind := range []Kind{RefreshRing, LoginRing} {
		for every, want := range map[time.Duration]bool{24 * time.Hour: kind == LoginRing, 48 * time.Hour: true} {
			r, now, fits := Ring{Kind: kind}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), true
			most := 0
			for v := Version(1); fits && time.Duration(v)*every < RefreshKeyRetention+30*24*time.Hour; v++ {
				next, err := r.Move(Move{Version: v, Request: fmt.Sprintf("0f5f6c3a-1111-2222-3333-%012d", v), Stack: stack}, now, rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				_, err = next.Text()
				if fits = err == nil; fits {
					r, most = next, max(most, len(next.Keys))
				}
				now = now.Add(every)
			}
			if fits != want || !fits && most < 380 {
				t.Errorf("%s, every %v: it fits: %t, with %d keys", kind, every, fits, most)
			}
		}
	}
}
