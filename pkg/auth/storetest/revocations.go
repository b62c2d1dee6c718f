package storetest

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Revocations checks that a session.Revocations behaves as package session defines it, and that
// exactly the ends in the other stores of the same database write entries. sequences is the number
// of generated sequences of ends. open returns new stores.
func Revocations(t *testing.T, sequences int, open func(testing.TB) Stores) {
	t.Run("List", func(t *testing.T) { revocationsList(t, open(t)) })
	t.Run("EqualsTheModel", func(t *testing.T) {
		for _, err := range CompareRevocations(t.Context(), open(t), sequences, 1) {
			t.Error(err)
		}
	})
}

// entries returns the entries since an instant, in the order of their time.
func entries(t testing.TB, s Stores, since, now time.Time) []session.RevocationEntry {
	t.Helper()
	found, err := s.Revocations.Since(t.Context(), since, now)
	if err != nil {
		t.Fatal(err)
	}
	return sorted(found)
}

// sorted sorts entries by time.
func sorted(all []session.RevocationEntry) []session.RevocationEntry {
	slices.SortFunc(all, func(a, b session.RevocationEntry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID.String(), b.ID.String()), cmp.Compare(a.Below, b.Below))
	})
	return all
}

// revocationsList checks that a reader gets entries of all kinds from their time on, in every shard
// and across hours, including those of a writer whose clock is ahead.
func revocationsList(t *testing.T, s Stores) {
	start := Epoch.Truncate(time.Hour).Add(time.Hour - 30*time.Second)
	var want []session.RevocationEntry
	for i := range 120 {
		at := start.Add(time.Duration(i) * time.Second)
		var e session.RevocationEntry
		switch i % 3 {
		case 0:
			e = session.EndOfSession(session.Key{Subject: subjectOf(t, i), ID: session.ID{byte(i)}}, at)
		case 1:
			e = session.EndOfUser(subjectOf(t, i), uint64(i), at)
		case 2:
			e = session.EndOfAll(at)
		}
		for range 1 + i%2 { // a repeated write adds no entry
			if err := s.Revocations.Write(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, e)
	}
	// Two raises of one user in the same millisecond are two entries.
	one, two := session.EndOfUser("ada", 4, start.Add(2*time.Minute)), session.EndOfUser("ada", 5, start.Add(2*time.Minute))
	for _, e := range []session.RevocationEntry{one, two} {
		if err := s.Revocations.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		want = append(want, e)
	}
	for _, row := range []struct {
		name  string
		since time.Time
		now   time.Time
		from  int // of want
	}{
		{"all", start, start.Add(2 * time.Minute), 0},
		{"from an hour before", start.Add(-time.Hour), start.Add(2 * time.Minute), 0},
		{"a millisecond later", start.Add(time.Millisecond), start.Add(2 * time.Minute), 1},
		{"the second hour", start.Add(30 * time.Second), start.Add(2 * time.Minute), 30},
		{"by a clock behind", start, start.Add(-30 * time.Second), 0},
		{"an hour later", start, start.Add(session.RevocationsKept), 0},
		{"none", start.Add(2*time.Minute + time.Millisecond), start.Add(3 * time.Minute), len(want)},
	} {
		if got := entries(t, s, row.since, row.now); difference(want[row.from:], got) != "" && len(got)+len(want[row.from:]) > 0 {
			t.Errorf("%s: %d entries, want %d%s", row.name, len(got), len(want)-row.from, difference(want[row.from:], got))
		}
	}
	// No list of sessions contains an entry, and no entry is erased with a user.
	for _, of := range []auth.SubjectID{"ada", subjectOf(t, 0)} {
		if found, err := s.Sessions.List(t.Context(), of, session.ID{}, 10); err != nil || len(found) > 0 {
			t.Errorf("sessions of %s: %+v, %v", of, found, err)
		}
		if n, err := s.Sessions.DeleteAll(t.Context(), of); err != nil || n > 0 {
			t.Errorf("sessions of %s: %d deleted, %v", of, n, err)
		}
	}
}
