package dynamo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/test/engine"
)

// write is one write of a user or a pointer, alone or in a transaction.
type write = map[string]any

// TestUsersConformanceCatchesMutants changes the writes of users by one fault at a time. The
// conformance suite must notice each fault.
func TestUsersConformanceCatchesMutants(t *testing.T) {
	e := engine.Dynoxide(t)
	ofPointer := func(w write) bool { return !strings.Contains(text(w["Key"])+text(w["Item"]), `"u#`) }
	// drop removes the pointer writes with this verb from transactions that begin with the verb
	// after.
	drop := func(verb, after string) func(*transaction) {
		return func(x *transaction) {
			if _, found := x.TransactItems[0][after]; found {
				x.TransactItems = slices.DeleteFunc(x.TransactItems, func(item map[string]write) bool {
					return item[verb] != nil && ofPointer(item[verb])
				})
			}
		}
	}
	each := func(edit func(verb string, w write)) func(*transaction) {
		return func(x *transaction) {
			for _, item := range x.TransactItems {
				for verb, w := range item {
					edit(verb, w)
				}
			}
		}
	}
	unconditional := func(pointer bool) func(*transaction) {
		return each(func(verb string, w write) {
			if verb == "Put" && ofPointer(w) == pointer {
				delete(w, "ConditionExpression")
				delete(w, "ReturnValuesOnConditionCheckFailure")
			}
		})
	}
	ignored := func(attribute string) func(*transaction) {
		compared := regexp.MustCompile(`(#` + attribute + `) = (:\d+)`)
		return each(func(_ string, w write) {
			condition, _ := w["ConditionExpression"].(string)
			w["ConditionExpression"] = compared.ReplaceAllString(condition, "($1 = $2 OR $1 <> $2)")
		})
	}
	unwritten := func(attribute string) func(*transaction) {
		assigned := regexp.MustCompile(`#` + attribute + ` = `)
		return each(func(_ string, w write) {
			update, _ := w["UpdateExpression"].(string)
			if assigned.MatchString(update) {
				w["UpdateExpression"] = assigned.ReplaceAllString(update, "#unused = ")
				w["ExpressionAttributeNames"].(map[string]any)["#unused"] = "unused"
			}
		})
	}
	for _, m := range []struct {
		name string
		edit func(*transaction)
		same bool // an equivalent change: the suite passes
	}{
		{"the engine knows no repetition", func(*transaction) {}, true},
		{"a subject is taken over", unconditional(false), false},
		{"a pointer is taken over", unconditional(true), false},
		{"a creation makes no pointers", drop("Put", "Put"), false},
		{"a move adds no pointers", drop("Put", "Update"), false},
		{"a move removes no pointers", drop("Delete", "Update"), false},
		{"a deletion leaves the pointers", drop("Delete", "Delete"), false},
		{"any revision", ignored("revision"), false},
		{"any e-mail", ignored("email"), false},
		{"any pointers", ignored("pointers"), false},
		{"the revision is not written", unwritten("revision"), false},
		{"the e-mail is not written", unwritten("email"), false},
		{"the pointers are not written", unwritten("pointers"), false},
		{"the request is not written", unwritten("write"), false},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			mutate := &transactionMutator{edit: m.edit}
			users := newDB(t, e, mutate).Unhurried().Users()
			differences := firstOf(4, func(seed uint64) []error { return storetest.CompareUsers(t.Context(), users, 2, seed) })
			if changed := mutate.changed.Load(); (changed == 0) != m.same {
				t.Fatalf("the mutation changed %d requests", changed)
			}
			if (len(differences) == 0) != m.same {
				t.Errorf("%d differences were noticed: %v", len(differences), differences)
			}
		})
	}
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// transaction is a TransactWriteItems request, or an UpdateItem in the same form.
type transaction struct {
	TransactItems []map[string]write
}

// transactionMutator changes the writes of users. It removes the request token from transactions,
// because an engine recognises a repetition by the token before it checks a condition.
type transactionMutator struct {
	edit    func(*transaction)
	changed atomic.Int32
}

func (m *transactionMutator) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if operation != "TransactWriteItems" && operation != "UpdateItem" {
		return http.DefaultTransport.RoundTrip(r)
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var x transaction
	var alone write
	if operation == "UpdateItem" {
		err = json.Unmarshal(raw, &alone)
		x.TransactItems = []map[string]write{{"Update": alone}}
	} else {
		err = json.Unmarshal(raw, &x)
	}
	if err != nil {
		return nil, err
	}
	before := text(x)
	if m.edit(&x); text(x) != before {
		m.changed.Add(1)
	}
	body := text(x)
	if operation == "UpdateItem" {
		body = text(alone)
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(body))), int64(len(body))
	return http.DefaultTransport.RoundTrip(r)
}
