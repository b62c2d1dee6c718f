// Package parallel runs the store calls of one request at the same time.
//
//	parallel.Run(func() { err = count() }, func() { u, readErr = read() })
package parallel

import "sync"

// Run runs all functions at the same time, the first on the caller's goroutine, and returns when all
// have returned. Nothing of a request may run after its answer, because a function may be frozen then
// and a store closed. A panic of another goroutine is raised on the caller's goroutine,
// where it ends one request and not the process.
func Run(first func(), others ...func()) {
	panics := make([]any, len(others))
	var wg sync.WaitGroup
	for i, f := range others {
		wg.Go(func() {
			defer func() { panics[i] = recover() }()
			f()
		})
	}
	func() {
		defer wg.Wait()
		first()
	}()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
}

// Each runs f(0) to f(n-1) at the same time. n is at least one.
func Each(n int, f func(i int)) {
	others := make([]func(), n-1)
	for i := range others {
		others[i] = func() { f(i + 1) }
	}
	Run(func() { f(0) }, others...)
}
