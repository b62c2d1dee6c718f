package bench

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

// BenchmarkLoginMemory measures the peak memory of this process while a constant number of logins
// run. The number of parallel hashes is the number of processors; the other logins wait with their
// requests in memory.
func BenchmarkLoginMemory(b *testing.B) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			ask := newDoor(b, boltStores(b)).asks("active", right, http.StatusOK)
			idle := forgetPeak(b)
			var left, busy atomic.Int64
			left.Store(int64(max(2*clients, b.N/4))) // the peak is reached early
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						switch err := ask(); {
						case errors.Is(err, errBusy): // expected on a busy machine
							busy.Add(1)
						case err != nil:
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			peak := peakMemory(b)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(busy.Load()), "told-to-come-again")
			b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(peak-idle)/(1<<20), "above-idle-MiB")
		})
	}
}

// forgetPeak resets Linux's measurement of the peak memory, and returns the present memory
// (proc_pid_clear_refs(5)).
func forgetPeak(b *testing.B) int64 {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
	return peakMemory(b)
}

func peakMemory(b *testing.B) int64 {
	b.Helper()
	bytes, err := runtimeapi.PeakMemory(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}
