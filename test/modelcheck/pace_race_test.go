//go:build race

package modelcheck

import "time"

// The race detector slows a search down about tenfold, and a search is one goroutine.
const (
	honestGrid = 45 * time.Second
	thiefGrid  = 30 * time.Second
)
