package stopwatch_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgeauth/edgeauth/internal/stopwatch"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := stopwatch.Start(t.Context())
		time.Sleep(time.Second)
		if again := stopwatch.Start(ctx); again != ctx {
			t.Error("a second Start began anew")
		}
		var calls sync.WaitGroup
		for i := range 2 {
			calls.Go(func() {
				defer stopwatch.Call(ctx)()
				time.Sleep(time.Duration(i+1) * time.Second)
			})
		}
		calls.Wait()
		elapsed, took, ok := stopwatch.Read(ctx)
		if !ok || elapsed != 3*time.Second || len(took) != 2 || took[0] != time.Second || took[1] != 2*time.Second {
			t.Errorf("%v, %v, %v", elapsed, took, ok)
		}
		if _, _, ok := stopwatch.Read(ctx); ok {
			t.Error("a request was measured twice")
		}
	})
}

func TestNoWatch(t *testing.T) {
	stopwatch.Call(context.Background())()
	if _, _, ok := stopwatch.Read(context.Background()); ok {
		t.Error("a context without a watch was measured")
	}
}

func TestCallsAreBounded(t *testing.T) {
	ctx := stopwatch.Start(t.Context())
	for range stopwatch.MaxCalls + 1 {
		stopwatch.Call(ctx)()
	}
	if _, calls, _ := stopwatch.Read(ctx); len(calls) != stopwatch.MaxCalls {
		t.Errorf("%d calls", len(calls))
	}
}
