package runtimeapi_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

// A function without one of its variables does not start, and names the variable in the log of the
// start. Lambda's Runtime.ExitError refers its reader to that log.
func TestMissingVariable(t *testing.T) {
	for name, store := range map[string]variables{
		"bolt": {config.Store: "bolt:" + filepath.Join(t.TempDir(), "store.db")},
		"dynamodb": tables(variables{
			config.Region: "eu-central-1", config.AccessKeyID: "id", config.SecretAccessKey: "secret",
		}),
	} {
		for function, environment := range environments(t, store) {
			bootstrap := runnable(t, function)
			for missing := range environment {
				if missing == config.Metrics { // optional: without it the lines have no metrics
					continue
				}
				t.Run(name+"/"+function+"/"+missing, func(t *testing.T) {
					without := maps.Clone(environment)
					delete(without, missing)
					written := expectNoStart(t, bootstrap, without)
					if !strings.Contains(written, missing+" ") {
						t.Errorf("%s is missing, and the function wrote only\n%s", missing, written)
					}
				})
			}
		}
	}
}

// A function without any variable names all variables that it needs at once, and no other variable.
func TestMissingVariables(t *testing.T) {
	for function, environment := range environments(t, variables{config.Store: "bolt:" + filepath.Join(t.TempDir(), "store.db")}) {
		written := expectNoStart(t, runnable(t, function), nil)
		delete(environment, config.Metrics) // optional
		for _, line := range strings.Split(strings.TrimSpace(written), "\n") {
			named := slices.DeleteFunc(slices.Collect(maps.Keys(environment)), func(name string) bool {
				return !strings.Contains(line, name+" is not set")
			})
			if len(named) != 1 {
				t.Errorf("%s: the line %q names %v", function, line, named)
				continue
			}
			delete(environment, named[0])
		}
		if len(environment) > 0 {
			t.Errorf("%s did not name %v", function, slices.Collect(maps.Keys(environment)))
		}
	}
}

// expectNoStart returns the log of a function that does not start.
func expectNoStart(t *testing.T, bootstrap string, environment variables) string {
	t.Helper()
	f := runtimeapi.New(t, bootstrap, environment)
	_, err := f.Invoke(t.Context(), []byte("{}"))
	expectError(t, err, runtimeapi.ErrorExit, "exit status 1")
	return f.Log()
}
