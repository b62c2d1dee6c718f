//go:build race

package rotation

// The race detector makes signatures some seven times slower.
const lives = 2
