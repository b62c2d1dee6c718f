//go:build race

package rotation

// The race detector makes signatures about seven times slower.
const lives = 2
