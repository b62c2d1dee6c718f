//go:build !race

package rotation

// lives is how many lives of a stack a test goes through when not asked for another number.
const lives = 4
