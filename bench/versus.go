// Package bench measures edgeauth against the least possible work or against its peers. Results are
// ratios of times within one run, because the machines are shared and noisy. The package has its
// own module, so that no other module depends on the peers. "make bench" runs it.
package bench

import (
	"slices"
	"testing"
	"time"
)

// contestant is one of several ways to do the same work.
type contestant struct {
	name string
	run  func() error
}

// versus measures bare and ours in turns of one run each.
func versus(b *testing.B, bare, ours func() error) {
	b.Helper()
	against(b, 1, 1, contestant{"bare", bare}, contestant{"ours", ours})
}

// against measures all contestants in turns, b.N times the given rounds, and returns the median
// time of one run of each, bare's first. It also reports each median as a multiple of bare's.
// Because the contestants alternate, all of them run under the same noise; medians ignore single
// interruptions. A turn has several runs if one run is too short for the clock.
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
	// The first round warms caches and connections and is not counted.
	round()
	clear(turns)
	for b.Loop() {
		for range rounds {
			round()
		}
	}
	b.ReportMetric(0, "ns/op") // the sum over all contestants is meaningless
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
