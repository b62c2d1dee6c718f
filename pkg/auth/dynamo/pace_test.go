//go:build !race

package dynamo_test

// sessionCases is how many generated cases of sessions each engine plays.
const sessionCases = 10_000
