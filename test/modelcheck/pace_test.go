//go:build !race

package modelcheck

import "time"

// How fine the tests' grids are when not asked for another.
const (
	honestGrid = 15 * time.Second
	thiefGrid  = 15 * time.Second
)
