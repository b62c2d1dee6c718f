//go:build race

package bolt_test

// The race detector slows the store about fivefold. The choice of cases does not affect it.
const (
	sessionCases  = 2000
	endsRefreshes = 200
)
