package authorizer_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/audit"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/test/emf"
)

// TestSample: one line of each sample of allowed requests is logged and counts for all of them.
// Each refusal has its own line. Instances begin at different places of their sample.
func TestSample(t *testing.T) {
	authority := newAuthority(t)
	const every, instances, requests = 10, 50, 100
	good := []byte(event(`{"authorization":"Bearer ` + tokenAt(authority, now) + `"}`))
	bad := []byte(event(`{"authorization":"Bearer x"}`))
	first := map[int]bool{}
	for range instances {
		var log bytes.Buffer
		a := newAuthorizer(t, authority.Verifier, func(c *authorizer.Config) {
			c.Log, c.SampleAllows = audit.Metered(&log, "edgeauth/test"), every
		})
		sums, lines := map[string]float64{}, 0
		for i := range requests {
			log.Reset()
			if _, err := a.Invoke(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			if log.Len() == 0 {
				continue
			}
			if lines++; lines == 1 {
				first[i] = true
			}
			data, problems := emf.Read(bytes.TrimSpace(log.Bytes()))
			for _, problem := range problems {
				t.Errorf("%s: %s", problem, &log)
			}
			for _, d := range data {
				sums[d.Name+d.Dimensions["client_id"]] += d.Sum()
			}
		}
		if lines != requests/every || sums["authz_allowed"] != requests || sums["authz_allowedweb"] != requests {
			t.Fatalf("%d requests have %d lines and count as %v", requests, lines, sums)
		}
		log.Reset()
		for range every {
			if _, err := a.Invoke(t.Context(), bad); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Count(log.String(), `"authz_unauthenticated":1`); got != every {
			t.Fatalf("%d of %d refusals have a line", got, every)
		}
	}
	if len(first) < every/2 {
		t.Errorf("%d instances wrote their first line at %v", instances, first)
	}
	for _, n := range []int{-1, 1001} {
		if _, err := authorizer.New(authorizer.Config{Verifier: authority.Verifier, SampleAllows: n}); !errors.Is(err, authorizer.ErrConfig) {
			t.Errorf("SampleAllows %d: %v", n, err)
		}
	}
}
