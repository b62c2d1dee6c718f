package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/bolt"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// ring is a single login key. A deployment uses keyring.Login.
type ring struct{}

func (ring) SealingKey(context.Context) (auth.LoginKey, error) {
	return auth.LoginKey{ID: 1, Secret: auth.NewSecret(strings.Repeat("k", auth.KeyBytes))}, nil
}

func counters() (throttle.Counters, func()) {
	folder, err := os.MkdirTemp("", "throttle")
	if err != nil {
		panic(err)
	}
	db, err := bolt.Open(filepath.Join(folder, "store.db"))
	if err != nil {
		panic(err)
	}
	return db.Counters(), func() { _ = db.Close(); _ = os.RemoveAll(folder) }
}

// Three sign-ups an hour are allowed from one network. The fourth has to wait.
func ExampleLimiter() {
	store, closeStore := counters()
	defer closeStore()
	limiter, err := throttle.New(store, ring{})
	if err != nil {
		panic(err)
	}
	charge := throttle.Charge{
		Kind: "sign-up", Text: "203.0.113.0/32", At: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
		Limit: throttle.Limit{Free: 3, Delay: time.Minute, MaxDelay: time.Minute, Window: time.Hour},
	}
	for range 4 {
		slot, err := limiter.Take(context.Background(), charge)
		var exceeded *throttle.Exceeded
		switch {
		case errors.As(err, &exceeded):
			fmt.Println("wait", exceeded.RetryAfter)
		case err != nil:
			panic(err)
		default:
			fmt.Println("granted", limiter.Settle(context.Background(), slot, throttle.EndingFailed))
		}
	}
	// Output:
	// granted <nil>
	// granted <nil>
	// granted <nil>
	// wait 1m0s
}

func ExampleOnce() {
	store, closeStore := counters()
	defer closeStore()
	once := throttle.Once{Counters: store, Keys: ring{}}
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for range 2 {
		fresh, err := once.Spend(context.Background(), "id-token", "jti-1", now, now.Add(10*time.Minute))
		fmt.Println(fresh, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}

// An id that was spent is remembered until its time.
func ExampleOnce_Spent() {
	store, closeStore := counters()
	defer closeStore()
	once, ctx := throttle.Once{Counters: store, Keys: ring{}}, context.Background()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{now, now.Add(time.Hour)} {
		spent, err := once.Spent(ctx, "nonce", "n1", at)
		fmt.Println(spent, err)
		_, _ = once.Spend(ctx, "nonce", "n1", now, now.Add(time.Hour))
		spent, err = once.Spent(ctx, "nonce", "n1", at)
		fmt.Println(spent, err)
	}
	// Output:
	// false <nil>
	// true <nil>
	// false <nil>
	// false <nil>
}

// An id that is forgotten can be spent again.
func ExampleOnce_Forget() {
	store, closeStore := counters()
	defer closeStore()
	once, ctx := throttle.Once{Counters: store, Keys: ring{}}, context.Background()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	_, _ = once.Spend(ctx, "suppressed", "ada@example.com", now, now.Add(time.Hour))
	for range 2 {
		was, err := once.Forget(ctx, "suppressed", "ada@example.com", now)
		fmt.Println(was, err)
	}
	fresh, err := once.Spend(ctx, "suppressed", "ada@example.com", now, now.Add(time.Hour))
	fmt.Println(fresh, err)
	// Output:
	// true <nil>
	// false <nil>
	// true <nil>
}
