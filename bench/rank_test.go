package bench

import (
	"math"
	"testing"
	"time"
)

// The expected values were computed by hand.
func TestRankTest(t *testing.T) {
	for _, row := range []struct {
		name    string
		a, b    []time.Duration
		area, p float64
	}{
		{"all below", []time.Duration{3, 1, 2}, []time.Duration{6, 5, 4}, 0, 0.0809},
		{"all above", []time.Duration{6, 5, 4}, []time.Duration{3, 1, 2}, 1, 0.0809},
		{"in turns", []time.Duration{1, 4}, []time.Duration{2, 3}, 0.5, 1},
		{"ties", []time.Duration{1, 2, 2}, []time.Duration{2, 3, 3}, 1. / 9, 0.1573},
		{"all the same", []time.Duration{7, 7}, []time.Duration{7, 7, 7}, 0.5, 1},
		{"of two lengths", []time.Duration{1, 2, 3, 9}, []time.Duration{5, 6}, 0.25, 0.4875},
	} {
		area, p := rankTest(row.a, row.b)
		if math.Abs(area-row.area) > 1e-9 || math.Abs(p-row.p) > 1e-4 {
			t.Errorf("%s: area %.4f, p %.4f, want %.4f and %.4f", row.name, area, p, row.area, row.p)
		}
	}
}
