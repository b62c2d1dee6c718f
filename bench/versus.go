// Package bench measures edgeauth against what it cannot be faster than, or against its peers: always as a ratio of
// times within one run, because the machines are shared and noisy. It is a module of its own, so that the peers are
// nobody's dependencies. "make bench" runs it.
package bench

import (
	"slices"
	"testing"
	"time"
)

// versus runs bare and ours in turns, b.N times each, and reports ours as a multiple of bare by their medians. Taking
// turns, both meet the same noise; medians forget the moments in which one of them was interrupted.
func versus(b *testing.B, bare, ours func() error) {
	b.Helper()
	times := map[string][]time.Duration{}
	run := func(who string, f func() error) {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatalf("%s: %v", who, err)
		}
		times[who] = append(times[who], time.Since(start))
	}
	// The first round warms caches and connections, and is forgotten.
	run("bare", bare)
	run("ours", ours)
	clear(times)
	for b.Loop() {
		run("bare", bare)
		run("ours", ours)
	}
	b.ReportMetric(0, "ns/op") // of both together, which says nothing
	b.ReportMetric(float64(median(times["bare"]).Microseconds()), "bare-µs")
	b.ReportMetric(float64(median(times["ours"]).Microseconds()), "ours-µs")
	b.ReportMetric(float64(median(times["ours"]))/float64(median(times["bare"])), "×bare")
}

func median(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
