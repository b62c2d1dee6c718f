package bench

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// BenchmarkKeySet measures the public key set of the running local server with 16 concurrent
// clients. It is compared with a bare net/http server that answers with as many bytes.
func BenchmarkKeySet(b *testing.B) {
	address := startLocalServer(b)
	body, err := fetch(http.DefaultClient, "http://"+address+"/.well-known/jwks.json")
	if err != nil {
		b.Fatal(err)
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	b.Cleanup(plain.Close)

	const clients, each = 16, 25
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	load := func(url string) func() error {
		return func() error {
			errs := make([]error, clients)
			var all sync.WaitGroup
			for i := range clients {
				all.Go(func() {
					for range each {
						if _, err := fetch(client, url); err != nil {
							errs[i] = err
							return
						}
					}
				})
			}
			all.Wait()
			for _, err := range errs {
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	took := against(b, 1, 1, contestant{"bare", load(plain.URL)}, contestant{"ours", load("http://" + address + "/.well-known/jwks.json")})
	b.ReportMetric(clients*each/took[1].Seconds(), "ours-requests/s")
}

func fetch(client *http.Client, url string) ([]byte, error) {
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// startLocalServer starts "edgeauth dev" on a new data directory and returns its address.
func startLocalServer(b *testing.B) string {
	b.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		b.Fatal(err)
	}
	binary := filepath.Join(b.TempDir(), "edgeauth")
	// Build in edgeauth's module: the dependencies of the command are not dependencies of the
	// benchmarks.
	if out, err := exec.Command("go", "build", "-C", "..", "-o", binary, "./cmd/edgeauth").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	command := exec.Command(binary, "dev", "--addr", address, "--data", filepath.Join(b.TempDir(), "home"))
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	for range 100 {
		if connection, err := net.Dial("tcp", address); err == nil {
			_ = connection.Close()
			return address
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatal("the local server did not start to listen")
	return ""
}
