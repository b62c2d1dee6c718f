package runtimeapi_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

var dist string // the folder into which this process builds the functions

func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		beFunction()
		return
	}
	var err error
	if dist, err = os.MkdirTemp("", "edgeauth-dist-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(dist)
	os.Exit(status)
}

var buildAMD64, buildARM64 = buildFor("amd64"), buildFor("arm64")

// buildFor returns a function that builds the functions once, and prints the compiler's output
// once.
func buildFor(arch string) func() error {
	return sync.OnceValue(func() error {
		if err := runtimeapi.Build("../..", dist, arch); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return errors.New("the functions do not build for " + arch)
		}
		return nil
	})
}

// runnable returns the program of a function for this machine.
func runnable(tb testing.TB, function string) string {
	tb.Helper()
	if runtime.GOOS != "linux" {
		engine.LeaveOut(tb, "Linux, for which functions are built,", "run the tests there")
	}
	return built(tb, runtime.GOARCH, function)
}

// built returns the program of a function for an architecture.
func built(tb testing.TB, arch, function string) string {
	tb.Helper()
	build := buildAMD64
	if arch == "arm64" {
		build = buildARM64
	}
	if err := build(); err != nil {
		tb.Fatal(err)
	}
	return runtimeapi.Bootstrap(dist, arch, function)
}
