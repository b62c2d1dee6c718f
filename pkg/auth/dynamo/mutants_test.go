package dynamo_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/test/engine"
)

// TestConformanceCatchesMutants renders updates with one fault at a time. The conformance suite
// must notice each fault: a suite that passes a mutant proves nothing about the original.
func TestConformanceCatchesMutants(t *testing.T) {
	e := engine.Dynoxide(t)
	for _, m := range []struct{ name, from, to string }{
		{"the item need not exist", "#v = :0 AND ", "(#v = :0 OR attribute_not_exists(#v)) AND "},
		{"a tombstone is written", " AND attribute_not_exists(#rev)", ""},
		{"live at the idle end", "#idle_exp > ", "#idle_exp >= "},
		{"live at the absolute end", "#abs_exp > ", "#abs_exp >= "},
		{"created after the instant", "#created >= ", "#created > "},
		{"created before the instant", "#created >= ", "#created <= "},
		{"another's client", "#client_id = ", "#client_id <> "},
		{"another profile", "#profile = ", "#profile <> "},
		{"any match is all", " OR ", " AND "},
		{"later than the instant", "#rot <= ", "#rot < "},
		{"earlier than the instant", "#rot <= ", "#rot >= "},
		{"below is at most", "#gen < ", "#gen <= "},
		{"another parent", "#pb = :", "#pb <> :"},
		{"at least the generation", "#gen = :2 AND", "#gen >= :2 AND"},
		{"the generation is not written", "SET #gen = ", "SET #unused = "},
		{"the parent is not written", ", #pb = ", ", #unused = "},
		{"the rotation's time is not written", ", #rot = ", ", #unused = "},
		{"the invocation is not written", ", #inv = ", ", #unused = "},
		{"the idle end does not slide", " #idle_exp = ", " #unused = "},
		{"the idle end slides down", " + #idle,", " - #idle,"},
		{"the use is not written", "#last_seen = ", "#unused = "},
		{"the reason is not written", "#rev_reason = ", "#unused = "},
		{"refreshed during a handover", "#paused <= ", "#paused <> "},
		{"refreshed at the end of a handover only", "#paused <= ", "#paused = "},
		{"not refreshed before a handover", "attribute_not_exists(#paused) OR ", ""},
		{"the handover is not written", "#paused = :", "#unused = :"},
		{"the mark is not written", "#rev_inv = ", "#unused = "},
		{"the label is not written", "#label = ", "#unused = "},
		{"a network that is not known", " OR #n3 = ", " OR #n3 <> "},
		{"another client's sessions must know", "NOT #client_id IN", "#client_id IN"},
		{"a session without facts must know", "(attribute_not_exists(#u0) AND", "(attribute_exists(#u0) AND"},
		{"the network is not written", "#net = ", "#unused = "},
		{"the place is not written", "#place = ", "#unused = "},
		{"the slot is not written", ", #n5 = ", ", #unused = "},
		{"the token version is not written", "#token_version = ", "#unused = "},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			mutate := &mutator{from: m.from, to: m.to}
			store := newDB(t, e, mutate).Unhurried().Sessions()
			cases := storetest.Cases(1500, 3, func(i int) auth.SubjectID {
				return auth.SubjectID("case " + strings.Repeat("i", i%3) + string(rune('a'+i%26)))
			})
			// The boundary cases come first, and one difference is enough.
			rand.New(rand.NewPCG(3, 3)).Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
			var differences []error
			for some := range slices.Chunk(cases, 30) {
				if differences = storetest.Compare(t.Context(), store, some); len(differences) > 0 {
					break
				}
			}
			if mutate.changed.Load() == 0 {
				t.Fatal("the mutation changed no request")
			}
			if len(differences) == 0 {
				t.Errorf("%d requests were rendered wrongly, and nobody noticed", mutate.changed.Load())
			}
		})
	}
}

// firstOf compares with up to n seeds, and returns the first differences.
func firstOf(n uint64, compare func(seed uint64) []error) []error {
	for seed := range n {
		if differences := compare(seed); len(differences) > 0 {
			return differences
		}
	}
	return nil
}

// mutator changes the expressions of session updates, alone or in a transaction.
type mutator struct {
	from, to string
	changed  atomic.Int32
}

func (m *mutator) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation != "UpdateItem" && operation != "TransactWriteItems" {
		return http.DefaultTransport.RoundTrip(r)
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	// JSON may escape the comparison operators.
	text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(raw))
	if strings.Contains(text, m.from) {
		m.changed.Add(1)
		text = strings.ReplaceAll(text, m.from, m.to)
		text = strings.Replace(text, `"ExpressionAttributeNames":{`, `"ExpressionAttributeNames":{"#unused":"unused",`, 1)
		if !strings.Contains(text, "#unused =") {
			text = strings.Replace(text, `"#unused":"unused",`, "", 1)
		}
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(text))), int64(len(text))
	return http.DefaultTransport.RoundTrip(r)
}
