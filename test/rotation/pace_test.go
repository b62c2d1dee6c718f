//go:build !race

package rotation

// lives is the default number of simulated stack lives.
const lives = 4
