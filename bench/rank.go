package bench

import (
	"math"
	"slices"
	"time"
)

// rankTest is the test of Mann and Whitney. It asks whether somebody who sees one time can tell which of the two it is
// from. The area is how often a time of a's is above one of b's, and 0.5 says no better than by chance; p is how likely
// an area so far from 0.5 is where there is no difference (two-sided, by the normal approximation, corrected for ties
// and for continuity).
func rankTest(a, b []time.Duration) (area, p float64) {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	n, m, both := float64(len(a)), float64(len(b)), float64(len(all))
	rank, ties := map[time.Duration]float64{}, 0.0
	for from := 0; from < len(all); {
		to, _ := slices.BinarySearch(all, all[from]+1)
		equal := float64(to - from)
		rank[all[from]] = float64(from) + (equal+1)/2 // the mean of theirs, which begin at one
		ties += equal*equal*equal - equal
		from = to
	}
	u := -n * (n + 1) / 2
	for _, took := range a {
		u += rank[took]
	}
	deviation := math.Sqrt(n * m / 12 * (both + 1 - ties/(both*(both-1))))
	if deviation == 0 { // all are equal
		return 0.5, 1
	}
	off := max(0, math.Abs(u-n*m/2)-0.5)
	return u / (n * m), math.Erfc(off / deviation / math.Sqrt2)
}
