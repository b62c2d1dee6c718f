//go:build !race

package dynamo_test

// sessionCases is the number of generated session cases for each engine.
const sessionCases = 10_000

// endsRefreshes is the number of refreshes that the end of sessions races with.
const endsRefreshes = 1000
