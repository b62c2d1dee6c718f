package login

import "sync"

// parallel runs all at the same time, the first on the caller's goroutine, and returns when all have: nothing of a
// login goes on after its answer, when a function may be frozen and a store closed. A panic of the others would end
// the process; raised on the caller's goroutine it ends one request.
func parallel(first func(), others ...func()) {
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

// each runs f(0) to f(n-1) at the same time; n is at least one.
func each(n int, f func(i int)) {
	others := make([]func(), n-1)
	for i := range others {
		others[i] = func() { f(i + 1) }
	}
	parallel(func() { f(0) }, others...)
}
