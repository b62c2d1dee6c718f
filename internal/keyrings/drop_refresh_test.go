package keyrings_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
)

// refreshAt returns a refresh-token ring that has moved to version v, one version each hour.
func refreshAt(t *testing.T, v keyrings.Version, begin time.Time) (keyrings.Ring, time.Time) {
	t.Helper()
	r, now := keyrings.Ring{Kind: keyrings.RefreshRing}, begin
	for n := keyrings.Version(1); n <= v; n++ {
		var err error
		if r, err = r.Move(keyrings.Move{Version: n}, now, rand.Reader); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	return r, now
}

func TestDropRefreshKeys(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ids := func(r keyrings.Ring, versions ...keyrings.Version) []string {
		var ids []string
		for _, v := range versions {
			ids = append(ids, r.Keys[v].ID())
		}
		return ids
	}
	for name, row := range map[string]struct {
		drop   []keyrings.Version // of a ring at version 3
		all    bool
		to     keyrings.Version
		why    string // of a refusal
		gone   []keyrings.Version
		leaves bool
	}{
		"an old key":                      {drop: []keyrings.Version{1}, to: 3, gone: []keyrings.Version{1}},
		"an old key, with a rotation":     {drop: []keyrings.Version{1}, to: 4, gone: []keyrings.Version{1}},
		"the key that waits":              {drop: []keyrings.Version{4}, to: 3, gone: []keyrings.Version{4}},
		"the key that seals":              {drop: []keyrings.Version{3}, to: 4, gone: []keyrings.Version{3}, leaves: true},
		"that key and others":             {drop: []keyrings.Version{1, 3, 4}, to: 4, gone: []keyrings.Version{1, 3, 4}, leaves: true},
		"that key at the same version":    {drop: []keyrings.Version{3}, to: 3, why: "DropRefreshKeys names the key that signs; its drop needs the next version; use KeyVersion 4"},
		"the key that would seal":         {drop: []keyrings.Version{4}, to: 4, why: "DropRefreshKeys names its key"},
		"all":                             {all: true, to: 4, gone: []keyrings.Version{1, 2, 3, 4}, leaves: true},
		"all at the same version":         {all: true, to: 3, why: "DropRefreshKeys names the key that signs; its drop needs the next version; use KeyVersion 4"},
		"all, with a step back":           {all: true, to: 2, why: "DropRefreshKeys=all needs"},
		"the key that seals, a step back": {drop: []keyrings.Version{3}, to: 2, gone: []keyrings.Version{3}},
	} {
		t.Run(name, func(t *testing.T) {
			before, now := refreshAt(t, 3, begin)
			m := keyrings.Move{Version: row.to, DropRefresh: keyrings.Drop{All: row.all, IDs: ids(before, row.drop...)}, Request: "r1"}
			if got := before.Leaves(m); row.why == "" && got != row.leaves {
				t.Errorf("leaves the sealing key: %t", got)
			}
			after, err := before.Move(m, now, rand.Reader)
			if row.why != "" {
				if err == nil || !strings.Contains(err.Error(), row.why) {
					t.Errorf("%v, want %q", err, row.why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := after.Leaves(m); got != row.leaves {
				t.Errorf("the same request again leaves the sealing key: %t", got)
			}
			doomed := ids(before, row.gone...)
			for _, v := range after.Versions() {
				if slices.Contains(doomed, after.Keys[v].ID()) {
					t.Errorf("version %d still has a dropped key", v)
				}
			}
			for _, v := range []keyrings.Version{row.to, row.to + 1} {
				if _, ok := after.Keys[v]; !ok {
					t.Errorf("version %d has no key", v)
				}
			}
			text, err := after.Text()
			if err != nil {
				t.Fatal(err)
			}
			read, err := keyrings.Parse(keyrings.RefreshRing, text)
			if err != nil {
				t.Fatal(err)
			}
			for v := range before.Keys {
				if got, want := read.HasDropped(v), slices.Contains(row.gone, v); got != want {
					t.Errorf("the record says that a key of version %d was dropped: %t", v, got)
				}
			}
			if again, err := read.Move(m, now, rand.Reader); err != nil || again.Serial != after.Serial {
				t.Errorf("the same request again: serial %d after %d, %v", again.Serial, after.Serial, err)
			}
			// The next deployment repeats the drop, because SAM keeps parameters. No key is dropped
			// twice.
			m.Request, m.DropRefresh.Still = "r2", row.all
			next, err := read.Move(m, now.Add(time.Minute), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			for v, entry := range read.Keys {
				if next.Keys[v].ID() != entry.ID() {
					t.Errorf("version %d has another key", v)
				}
			}
			// After a rollback a key seals, and it is not a dropped key.
			back, err := next.Move(keyrings.Move{Version: 3, Request: "r3"}, now.Add(2*time.Minute), rand.Reader)
			if row.to >= 3 && (err != nil || back.Current() != 3 || slices.Contains(doomed, back.Keys[3].ID())) {
				t.Errorf("a rollback: version %d, %v", back.Current(), err)
			}
		})
	}
	r, now := refreshAt(t, 2, begin)
	m := keyrings.Move{Version: 2, DropRefresh: keyrings.Drop{IDs: []string{strings.Repeat("A", 43)}}}
	if _, err := r.Move(m, now, rand.Reader); err == nil || !strings.Contains(err.Error(), "DropRefreshKeys: no key has the id") {
		t.Errorf("an unknown id: %v", err)
	}
}

// TestDroppedRefreshTokenKey checks the result for a token under a dropped key.
func TestDroppedRefreshTokenKey(t *testing.T) {
	r, now := refreshAt(t, 3, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	m := keyrings.Move{Version: 4, DropRefresh: keyrings.Drop{IDs: []string{r.Keys[1].ID(), r.Keys[3].ID()}}}
	r, err := r.Move(m, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.LoadRefresh(t.Context(), keyrings.Inline(text), 4, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.RefreshTokenKey(t.Context(), 1); !errors.Is(err, auth.ErrKeyDropped) || errors.Is(err, auth.ErrNotFound) {
		t.Errorf("dropped and without a key: %v", err)
	}
	if _, err := keys.RefreshTokenKey(t.Context(), 9); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("never made: %v", err)
	}
	for v, replaced := range map[keyrings.Version]bool{2: false, 3: true, 4: false, 5: false} {
		if key, err := keys.RefreshTokenKey(t.Context(), v); err != nil || key.Replaced != replaced {
			t.Errorf("version %d: replaced %t, %v", v, key.Replaced, err)
		}
	}
}
