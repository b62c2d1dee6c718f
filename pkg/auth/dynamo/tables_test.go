package dynamo_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/test/fault"
)

func TestProtect(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &fault.Transport{}
			db := newDB(t, start(t), wire).Unhurried()
			// protects calls Protect, and checks the requests and what is protected afterwards.
			protects := func(what string, requests map[string]int, protected int, want error) {
				t.Helper()
				wire.Calls()
				err := db.Protect(t.Context())
				if got := wire.Calls(); !errors.Is(err, want) || !maps.Equal(got, requests) {
					t.Errorf("%s: %v, %v, want %v, %v", what, got, err, requests, want)
				}
				if got := db.ProtectedTables(t); got != protected {
					t.Errorf("%s: %d tables are protected, want %d", what, got, protected)
				}
			}

			wire.Fail("DescribeTable", 1, fault.AccessDenied)
			protects("a role that may not read yet", map[string]int{"DescribeTable": 1}, 0, auth.ErrUnavailable)
			wire.Fail("UpdateTable", 1, fault.AccessDenied)
			protects("a role that may not write yet", map[string]int{"DescribeTable": 3, "UpdateTable": 1}, 0, auth.ErrUnavailable)
			wire.Fail("UpdateTable", 1, fault.Throttled)
			protects("a busy table", map[string]int{"DescribeTable": 3, "UpdateTable": 4}, 3, nil)
			protects("protected tables", map[string]int{"DescribeTable": 3}, 3, nil)
		})
	}
}

// If a table is missing, the other tables do not change.
func TestProtectMissing(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, start(t), nil).Unhurried()
			missing := db.DropAttempts(t)
			err := db.Protect(t.Context())
			if !errors.Is(err, auth.ErrNotFound) || errors.Is(err, auth.ErrUnavailable) || !strings.Contains(err.Error(), missing) {
				t.Errorf("%v, want %v with the name of the table", err, auth.ErrNotFound)
			}
			if got := db.ProtectedTables(t); got != 0 {
				t.Errorf("%d tables are protected, want none", got)
			}
		})
	}
}
