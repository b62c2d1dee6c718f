//go:build race

package dynamo_test

// The race detector slows the client about sevenfold. The choice of cases does not affect it.
const (
	sessionCases  = 2000
	endsRefreshes = 200
	endsSequences = 2
)
