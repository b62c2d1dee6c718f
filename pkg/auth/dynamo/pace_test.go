//go:build !race

package dynamo_test

// The numbers for each engine: sessionCases is the number of generated session cases, endsRefreshes
// the number of refreshes that race with the end of sessions, and endsSequences the number of
// generated sequences of ends.
const (
	sessionCases  = 10_000
	endsRefreshes = 1000
	endsSequences = 10
)
