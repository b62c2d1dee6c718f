//go:build !race

package dynamo_test

// The numbers for each engine: sessionCases of generated session cases, endsRefreshes of refreshes
// that the end of sessions races with, endsSequences of generated sequences of ends.
const (
	sessionCases  = 10_000
	endsRefreshes = 1000
	endsSequences = 10
)
