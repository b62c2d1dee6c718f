package bolt_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// New counters replace expired counters. Current counters stay.
func TestExpiredCountersAreSwept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	counters := db.Counters()
	limit := throttle.Limit{Free: 5, Delay: time.Second, MaxDelay: time.Minute, Window: time.Hour}
	take := func(key string, at time.Time) throttle.Counter {
		before, done, err := counters.Update(t.Context(), key, limit.Take(at, at.Add(time.Hour), ""))
		if err != nil || !done {
			t.Fatalf("%s: %t, %v", key, done, err)
		}
		return before
	}
	const n = 50
	later := storetest.Epoch.Add(2 * time.Hour)
	for i := range n {
		take(fmt.Sprintf("old %02d", i), storetest.Epoch)
	}
	take("old 07", later)
	for i := range n {
		take(fmt.Sprintf("new %02d", i), later)
	}
	for i := range n {
		before := take(fmt.Sprintf("old %02d", i), later)
		if want := map[bool]int{true: 2, false: 0}[i == 7]; before.N != want {
			t.Errorf("old %02d counts %d, want %d", i, before.N, want)
		}
		if before := take(fmt.Sprintf("new %02d", i), later); before.N != 1 {
			t.Errorf("new %02d counts %d, want 1", i, before.N)
		}
	}
}
