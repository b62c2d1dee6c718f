package dynamo_test

import (
	"encoding/binary"
	"flag"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/test/engine"
)

var manyEnds = flag.Int("ends", 0, "end this many sessions and print the pace (20000 is what the shards are made for)")

// TestManyEnds ends sessions with 32 workers, and checks that the list has each of them. It
// measures only on request, because it asserts no time.
func TestManyEnds(t *testing.T) {
	n := 200
	if *manyEnds > 0 {
		n = *manyEnds
	}
	db := newDB(t, engine.Dynoxide(t), nil).Unhurried()
	keys := make([]session.Key, n)
	now := time.Now().UTC().Truncate(time.Millisecond)
	each := func(do func(key session.Key) error) time.Duration {
		begun, next := time.Now(), make(chan session.Key)
		var workers sync.WaitGroup
		for range 32 {
			workers.Go(func() {
				for key := range next {
					if err := do(key); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for _, key := range keys {
			next <- key
		}
		close(next)
		workers.Wait()
		return time.Since(begun)
	}
	for i := range keys {
		keys[i].Subject = auth.SubjectID("subject")
		binary.BigEndian.PutUint32(keys[i].ID[:], uint32(i+1))
	}
	each(func(key session.Key) error {
		return db.Sessions().Create(t.Context(), session.Session{
			Key: key, Kind: session.RefreshKind, Profile: auth.Balanced, Client: "app", IdleTimeout: time.Hour,
			CreatedAt: now, LastSeen: now, AuthTime: now, IdleEnd: now.Add(time.Hour), AbsoluteEnd: now.Add(time.Hour),
		})
	})
	took := each(func(key session.Key) error {
		_, _, err := db.Sessions().Update(t.Context(), key, session.Revoke(time.Now(), session.RevocationUser))
		return err
	})
	begun := time.Now()
	found, err := db.Revocations().Since(t.Context(), now, time.Now())
	if err != nil || len(found) != n {
		t.Errorf("%d entries, %v; want %d", len(found), err, n)
	}
	shards := map[byte]int{}
	for _, e := range found {
		shards[e.ID[0]%4]++
	}
	t.Logf("%d ends in %v, %.0f a second; their entries were read in %v; by shard %v", n, took, float64(n)/took.Seconds(), time.Since(begun), shards)
}
