// Package bench measures edgeauth against what it cannot be faster than, or against its peers: always as a ratio of
// times within one run, because the machines are shared and noisy. It is a module of its own, so that the peers are
// nobody's dependencies. "make bench" runs it.
package bench

import (
	"slices"
	"testing"
	"time"
)

// contestant does what the others of its benchmark do, in a way of its own.
type contestant struct {
	name string
	run  func() error
}

// versus runs bare and ours in turns of one run each.
func versus(b *testing.B, bare, ours func() error) {
	b.Helper()
	against(b, 1, 1, contestant{"bare", bare}, contestant{"ours", ours})
}

// against has everybody take turns, b.N times the given rounds, and returns how long one run of each takes, bare's first,
// by their medians. They are reported as multiples of bare's as well. Taking turns, all meet the same noise; medians
// forget the moments in which one of them was interrupted. A turn is several runs where one is too short for the clock.
func against(b *testing.B, rounds, runs int, bare contestant, others ...contestant) []time.Duration {
	b.Helper()
	all := append([]contestant{bare}, others...)
	turns := make([][]time.Duration, len(all))
	round := func() {
		for i, c := range all {
			start := time.Now()
			for range runs {
				if err := c.run(); err != nil {
					b.Fatalf("%s: %v", c.name, err)
				}
			}
			turns[i] = append(turns[i], time.Since(start))
		}
	}
	// The first round warms caches and connections, and is forgotten.
	round()
	clear(turns)
	for b.Loop() {
		for range rounds {
			round()
		}
	}
	b.ReportMetric(0, "ns/op") // of all together, which says nothing
	medians := make([]time.Duration, len(all))
	for i, c := range all {
		medians[i] = median(turns[i]) / time.Duration(runs)
		b.ReportMetric(float64(medians[i])/1e3, c.name+"-µs")
		if i > 0 {
			b.ReportMetric(ratio(medians[i], medians[0]), c.name+"-×bare")
		}
	}
	return medians
}

func ratio(of, to time.Duration) float64 { return float64(of) / float64(to) }

func median(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
