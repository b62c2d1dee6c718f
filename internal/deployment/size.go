package deployment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/config"
)

// MaxBytes is Lambda's bound for the variables of one function.
const MaxBytes = 4096

// WithKeys returns values with a key set of three keys, each as long as jwk. A first deployment
// publishes two keys, and each rotation three.
func WithKeys(values map[string]string, jwk string) map[string]string {
	all := maps.Clone(values)
	all[config.JWKS] = `{"keys":[` + jwk + "," + jwk + "," + jwk + `]}`
	return all
}

// TooLong returns the problem of values that are too long for Lambda, and false if they fit.
func TooLong(values map[string]string) (Problem, bool) {
	function, size := Size(values)
	return Problem{Variable: config.Config, Problem: fmt.Sprintf("is too long: with the public keys of a rotation, the variables of the "+
		"function %s have %d bytes, and Lambda accepts %d; shorten it by %d bytes (each quotation mark counts as two)",
		function, size, MaxBytes, size-MaxBytes)}, size > MaxBytes
}

// Stamp has the length of the longest stamp that the keys function makes. It represents the stamp,
// which is not known yet, in an environment.
var Stamp = "keys-65534-" + strings.Repeat("0", 32)

// Size returns the function whose environment is the largest with these values, and its size in
// bytes. Lambda measures the variables as the text of a JSON object, in which each quotation mark
// of a value takes two bytes.
func Size(values map[string]string) (function string, size int) {
	readers := config.Readers()
	for _, name := range slices.Sorted(maps.Keys(readers)) {
		environment := map[string]string{"EDGEAUTH_STAMP": Stamp}
		for _, variable := range readers[name] {
			if text := values[variable]; text != "" {
				environment[variable] = text
			}
		}
		if n := measure(environment); n > size {
			function, size = name, n
		}
	}
	return function, size
}

func measure(environment map[string]string) int {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(environment) // a map of texts can always be encoded
	return len(bytes.TrimSpace(text.Bytes()))
}
