//go:build !race

package main

// The number of stacks in the random tests.
const (
	deployedStacks = 16
	droppingStacks = 12
)
