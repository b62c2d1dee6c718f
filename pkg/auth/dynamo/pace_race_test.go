//go:build race

package dynamo_test

// The race detector slows the client down about sevenfold. Which cases play makes no difference to it.
const sessionCases = 2000
