package bench

import (
	"math"
	"slices"
	"time"
)

// rankTest is the Mann-Whitney test. It asks whether an observer who sees one time can tell from
// which of the two samples it comes. area is how often a time of a is above a time of b; 0.5 means
// that the observer can only guess. p is the probability of an area at least as far from 0.5 if
// there is no difference (two-sided, by the normal approximation, corrected for ties and for
// continuity).
func rankTest(a, b []time.Duration) (area, p float64) {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	n, m, both := float64(len(a)), float64(len(b)), float64(len(all))
	rank, ties := map[time.Duration]float64{}, 0.0
	for from := 0; from < len(all); {
		to, _ := slices.BinarySearch(all, all[from]+1)
		equal := float64(to - from)
		rank[all[from]] = float64(from) + (equal+1)/2 // the mean rank of equal times; ranks begin at 1
		ties += equal*equal*equal - equal
		from = to
	}
	u := -n * (n + 1) / 2
	for _, took := range a {
		u += rank[took]
	}
	deviation := math.Sqrt(n * m / 12 * (both + 1 - ties/(both*(both-1))))
	if deviation == 0 { // all times are equal
		return 0.5, 1
	}
	off := max(0, math.Abs(u-n*m/2)-0.5)
	return u / (n * m), math.Erfc(off / deviation / math.Sqrt2)
}
