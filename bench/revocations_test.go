package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// BenchmarkRevocations measures what the mode revocations of the session authorizer adds to the
// authorizer between two reads, with a list of 10,000 entries.
func BenchmarkRevocations(b *testing.B) {
	authority := authtest.New(b, authtest.Config{})
	authority.AddUser("ada@example.com", "admin")
	access, _ := authority.Login("ada@example.com")
	event := []byte(`{"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:us-east-1:123456789012:abcdef123/$default/GET/me",
		"headers":{"authorization":"Bearer ` + access + `"},"requestContext":{"requestId":"r1"}}`)
	list := newRevocationList(b, kept(ends(10_000, authority.Clock.Now())), authority.Clock.Now)
	ask := func(sessions authorizer.Sessions) func() error {
		a, err := authorizer.New(authorizer.Config{Verifier: authority.Verifier, Sessions: sessions, Now: authority.Clock.Now})
		if err != nil {
			b.Fatal(err)
		}
		return func() error {
			answer, err := a.Invoke(b.Context(), event)
			if err == nil && !strings.HasPrefix(string(answer), `{"isAuthorized":true`) {
				err = errors.New(string(answer))
			}
			return err
		}
	}
	against(b, 20, 20, contestant{"authorizer", ask(nil)}, contestant{"revocations", ask(list)})
}

// BenchmarkRevocationsStart measures the first read of a function that starts, with 10,000 entries of
// the last hour on DynamoDB Local, as a multiple of the first read of an empty list.
func BenchmarkRevocationsStart(b *testing.B) {
	const n = 10_000
	empty, _, _ := dynamoDBLocal(b)
	full, _, _ := dynamoDBLocal(b)
	write(b, full.Revocations(), ends(n, time.Now()))
	load := func(of session.Revocations) func() error {
		return func() error { newRevocationList(b, of, time.Now); return nil }
	}
	against(b, 1, 1, contestant{"empty", load(empty.Revocations())}, contestant{"10000", load(full.Revocations())})
	before := heap()
	l := newRevocationList(b, full.Revocations(), time.Now)
	b.ReportMetric(float64(heap()-before)/n, "bytes/entry")
	runtime.KeepAlive(l)
}

// BenchmarkRevocationsSeconds measures the seconds from the end of a session to the refusal of its
// token, on DynamoDB Local, for 1,000 sessions that end within a minute. Each token is checked
// every 20 ms. Use -benchtime 1x.
func BenchmarkRevocationsSeconds(b *testing.B) {
	const n = 1000
	db, _, _ := dynamoDBLocal(b)
	list := newRevocationList(b, db.Revocations(), time.Now)
	var all []time.Duration
	for b.Loop() {
		all = append(all, refused(b, db.Revocations(), list, n)...)
	}
	slices.Sort(all)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(all[len(all)/2].Seconds(), "s-p50")
	b.ReportMetric(all[len(all)-1].Seconds(), "s-max")
}

// refused ends n sessions within a minute or more, and returns how long each token was accepted
// after the store had confirmed the end.
func refused(b *testing.B, store session.Revocations, list *session.RevocationList, n int) (all []time.Duration) {
	type ended struct {
		session.Key
		at time.Time
	}
	confirmed := make(chan ended, n)
	go func() {
		defer close(confirmed)
		for range n {
			time.Sleep(time.Duration(rand.Int64N(int64(2 * time.Minute / time.Duration(n)))))
			key := session.Key{Subject: "ada", ID: session.IDOf(auth.NewSecret(fmt.Sprint(rand.Uint64())))}
			for store.Write(b.Context(), session.EndOfSession(key, time.Now())) != nil { // on a busy machine
				time.Sleep(100 * time.Millisecond)
			}
			confirmed <- ended{key, time.Now()}
		}
	}()
	var good []ended
	for issued := time.Now(); len(all) < n; time.Sleep(20 * time.Millisecond) {
		for more := true; more; {
			select {
			case e, ok := <-confirmed:
				if more = ok; ok {
					good = append(good, e)
				}
			default:
				more = false
			}
		}
		list.Refresh()
		good = slices.DeleteFunc(good, func(e ended) bool {
			why, err := list.CheckToken(context.Background(), auth.Principal{
				Subject: e.Subject, SessionID: e.ID.String(), TokenVersion: auth.NewTokenVersion(0), IssuedAt: issued,
			})
			if err != nil {
				b.Fatal(err)
			}
			if why != "" {
				all = append(all, time.Since(e.at))
			}
			return why != ""
		})
	}
	return all
}

// newRevocationList returns a loaded list.
func newRevocationList(b *testing.B, of session.Revocations, now func() time.Time) *session.RevocationList {
	b.Helper()
	l, err := session.NewRevocationList(session.RevocationListConfig{Revocations: of, Lifetime: token.MaxLifetime, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	for begin := time.Now(); ; { // an engine that has just started, on a busy machine
		if err := l.Load(b.Context()); err == nil {
			return l
		} else if time.Since(begin) > time.Minute {
			b.Fatal(err)
		}
	}
}

// ends are n entries of the last hour.
func ends(n int, now time.Time) (all []session.RevocationEntry) {
	for range n {
		key := session.Key{Subject: "ada", ID: session.IDOf(auth.NewSecret(fmt.Sprint(rand.Uint64())))}
		all = append(all, session.EndOfSession(key, now.Add(-time.Duration(rand.Int64N(int64(time.Hour))))))
	}
	return all
}

func write(b *testing.B, to session.Revocations, all []session.RevocationEntry) {
	b.Helper()
	var writers sync.WaitGroup
	for part := range slices.Chunk(all, len(all)/4) {
		writers.Go(func() {
			for _, e := range part {
				for to.Write(b.Context(), e) != nil { // on a busy machine
					time.Sleep(100 * time.Millisecond)
				}
			}
		})
	}
	writers.Wait()
}

// kept are entries in memory.
type kept []session.RevocationEntry

func (k kept) Since(context.Context, time.Time, time.Time) ([]session.RevocationEntry, error) {
	return k, nil
}
func (kept) Write(context.Context, session.RevocationEntry) error { return errors.ErrUnsupported }

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
