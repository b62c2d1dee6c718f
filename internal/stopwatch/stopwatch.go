// Package stopwatch measures a request and its calls of a store. The audit line of the request shows
// both.
//
//	ctx := stopwatch.Start(r.Context())
//	defer stopwatch.Call(ctx)() // in a store
//	elapsed, calls, ok := stopwatch.Read(ctx)
package stopwatch

import (
	"context"
	"sync"
	"time"
)

// MaxCalls bounds the calls that a watch keeps. CloudWatch accepts 100 values of a metric in one
// line, and no request needs as many calls.
const MaxCalls = 100

type key struct{}

type watch struct {
	start time.Time

	mu    sync.Mutex // calls of a store run in parallel
	calls []time.Duration
	read  bool
}

// Start returns a context whose watch runs from now on. If ctx already has a watch, Start returns
// ctx, because the request began earlier.
func Start(ctx context.Context) context.Context {
	if ctx.Value(key{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, &watch{start: time.Now()})
}

// Call begins a call of a store. The call ends with a call of done. Without a watch in ctx, done
// does nothing. It is safe for concurrent use.
func Call(ctx context.Context) (done func()) {
	w, ok := ctx.Value(key{}).(*watch)
	if !ok {
		return func() {}
	}
	begin := time.Now()
	return func() {
		took := time.Since(begin)
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.calls) < MaxCalls {
			w.calls = append(w.calls, took)
		}
	}
}

// Read returns the time since the start of the watch and the durations of the calls that have ended.
// ok is true for the first Read of a watch only: a request with several audit lines is measured once.
func Read(ctx context.Context) (elapsed time.Duration, calls []time.Duration, ok bool) {
	w, ok := ctx.Value(key{}).(*watch)
	if !ok {
		return 0, nil, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.read {
		return 0, nil, false
	}
	w.read = true
	return time.Since(w.start), w.calls, true
}
