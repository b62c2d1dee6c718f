package config_test

import (
	"fmt"

	"github.com/edgeauth/edgeauth/internal/config"
)

// One error reports all problems.
func ExampleNew() {
	given := map[string]string{"EDGEAUTH_KEY_VERSION": "0"}
	e := config.New(func(name string) (string, bool) { text, ok := given[name]; return text, ok })
	_, _ = e.Audience(), e.KeyVersion()
	fmt.Println(e.Err())
	// Output:
	// EDGEAUTH_AUDIENCE is not set: it should hold one audience, or several separated by spaces
	// EDGEAUTH_KEY_VERSION is not a valid version: it should hold the version of the keys that signs, a whole number from 1 to 65534
}
