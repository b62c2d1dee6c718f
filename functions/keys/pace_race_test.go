//go:build race

package main

// The race detector slows keys and signatures about fivefold, and each stack has one goroutine.
const (
	deployedStacks = 4
	droppingStacks = 3
)
