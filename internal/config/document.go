package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// DocumentNames returns the members of EDGEAUTH_CONFIG that somebody reads. One document serves every function, so each
// takes them all, and minds its own.
func DocumentNames() []string {
	return []string{"clients", "context_claims", "issuers", "origins", "passwords", "routes", "throttle", "token_sources"}
}

// Document returns the members of EDGEAUTH_CONFIG, which is a JSON object or names its file; nil where it is not set.
// Every member's name must be among known: a misspelt one would otherwise leave a rule out without a word.
func (e *Environment) Document(known ...string) map[string]json.RawMessage {
	want := "a JSON object with any of " + strings.Join(known, ", ") + ", or file:<path> of one"
	text, ok := e.optional(Config)
	if !ok {
		return nil
	}
	object := []byte(text)
	if path, inFile := strings.CutPrefix(text, "file:"); inFile {
		if object = e.file(Config, path, want); object == nil {
			return nil
		}
	}
	members, err := strictjson.Object(object)
	if err != nil {
		e.errs = append(e.errs, &VariableError{Name: Config, Problem: fmt.Sprintf("cannot be read (%v)", err), Want: want, Cause: err})
		return nil
	}
	wrong := false
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			e.errs = append(e.errs, &VariableError{
				Name: Config, Problem: fmt.Sprintf("has an unknown member %q", name), Want: want, Cause: AtMember(name, errors.New("unknown member (want "+strings.Join(known, ", ")+")")),
			})
			wrong = true
		}
	}
	if wrong {
		return nil
	}
	return members
}
