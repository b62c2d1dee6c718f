//go:build !race

package main

// How many stacks the random tests run.
const (
	deployedStacks = 16
	droppingStacks = 12
)
