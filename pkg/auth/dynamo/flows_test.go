package dynamo_test

import (
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/storetest"
	"github.com/edgeauth/edgeauth/test/engine"
)

// TestFlowsConformanceCatchesMutants renders updates of flows with one fault at a time. The
// conformance suite must notice each fault.
func TestFlowsConformanceCatchesMutants(t *testing.T) {
	e := engine.Dynoxide(t)
	for _, m := range []struct{ name, from, to string }{
		{"a spent flow is written", " AND attribute_not_exists(#spent)", ""},
		{"live at the end", "#ends > ", "#ends >= "},
		{"live after the end", "#ends > ", "#ends < "},
		{"one try more than is left", "#tries_left >= ", "#tries_left > "},
		{"the same mark counts again", "NOT #try = ", "NOT #try <> "},
		{"the tries are not written", "SET #tries_left = #tries_left + ", "SET #unused = #tries_left + "},
		{"the mark is not written", ", #try = ", ", #unused = "},
		{"the flow is not spent", ", #spent = ", ", #unused = "},
		{"the proof is not written", ", #proven = ", ", #unused = "},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			mutate := &mutator{from: m.from, to: m.to}
			differences := storetest.CompareFlows(t.Context(), newDB(t, e, mutate).Unhurried().Flows(), 12, 3)
			if mutate.changed.Load() == 0 {
				t.Fatal("the mutation changed no request")
			}
			if len(differences) == 0 {
				t.Errorf("%d requests were rendered wrongly, and nothing noticed", mutate.changed.Load())
			}
		})
	}
}
