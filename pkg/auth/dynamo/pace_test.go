//go:build !race

package dynamo_test

// sessionCases is the number of generated session cases for each engine.
const sessionCases = 10_000
