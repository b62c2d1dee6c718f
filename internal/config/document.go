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

// DocumentNames returns the names of all members of EDGEAUTH_CONFIG. The same document serves every
// function, so each function accepts all members and uses its own.
func DocumentNames() []string {
	return []string{"audit", "cdn", "clients", "codes", "context_claims", "email_claims", "issuers", "origins", "passwords", "routes", "signup", "throttle", "token_sources"}
}

// Document returns the members of EDGEAUTH_CONFIG, which holds a JSON object or file:<path>. It
// returns nil if the variable is not set. Every member must be known, because a misspelt name would
// leave out a rule without notice.
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
