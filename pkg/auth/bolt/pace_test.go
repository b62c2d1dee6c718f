//go:build !race

package bolt_test

// sessionCases is the number of generated session cases, and endsRefreshes the number of refreshes
// that the end of sessions races with.
const (
	sessionCases  = 10_000
	endsRefreshes = 1000
)
