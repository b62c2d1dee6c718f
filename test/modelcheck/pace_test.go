//go:build !race

package modelcheck

import "time"

// The default grids of the tests.
const (
	honestGrid = 15 * time.Second
	thiefGrid  = 15 * time.Second
)
