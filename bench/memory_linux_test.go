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

// BenchmarkLoginMemory is the most memory that this process has while so many logins are under way all the time: as
// many hashes run as there are processors, and the other logins wait with their requests.
func BenchmarkLoginMemory(b *testing.B) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			ask := newDoor(b, boltStores(b)).asks("active", right, http.StatusOK)
			idle := forgetPeak(b)
			var left, busy atomic.Int64
			left.Store(int64(max(2*clients, b.N/4))) // the most is found soon
			var all sync.WaitGroup
			for range clients {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						switch err := ask(); {
						case errors.Is(err, errBusy): // as it should be, where the machine is
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

// forgetPeak has Linux measure the most memory anew from here on, and returns what it is now (proc_pid_clear_refs(5)).
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
