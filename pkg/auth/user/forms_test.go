package user_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// ledger implements the part of Store that RecordForms needs.
type ledger struct {
	user.Store
	forms     user.Forms
	conflicts int // writes that another writer overtakes
	writes    int
	fail      error
}

func (l *ledger) Forms(context.Context) (user.Forms, error) { return l.forms, l.fail }

func (l *ledger) UpdateForms(_ context.Context, f user.Forms) error {
	if l.conflicts > 0 {
		l.conflicts--
		l.forms.Recorded = append(slices.Clone(l.forms.Recorded), fmt.Sprintf("of another writer %d", l.conflicts))
		l.forms.Revision++
	}
	if f.Revision != l.forms.Revision {
		return user.ErrConflict
	}
	l.writes++
	l.forms = f
	l.forms.Revision++
	return nil
}

func TestRecordForms(t *testing.T) {
	l, now := &ledger{}, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	d := user.Directory{Store: l, Now: func() time.Time { return now }}
	for _, row := range []struct {
		name   string
		forms  []string
		until  time.Time
		want   user.Forms // afterwards, without the revision
		writes int
	}{
		{"nothing", nil, time.Time{}, user.Forms{}, 0},
		{"the first", []string{"b", "a", "b"}, time.Time{}, user.Forms{Recorded: []string{"a", "b"}, ChangedAt: now}, 1},
		{"known ones", []string{"a"}, time.Time{}, user.Forms{Recorded: []string{"a", "b"}, ChangedAt: now}, 1},
		{"known ones of an import", []string{"a"}, now.Add(time.Hour),
			user.Forms{Recorded: []string{"a", "b"}, ChangedAt: now, Until: now.Add(time.Hour)}, 2},
		{"an earlier end", []string{"a"}, now.Add(time.Minute),
			user.Forms{Recorded: []string{"a", "b"}, ChangedAt: now, Until: now.Add(time.Hour)}, 2},
		{"another one, without an end", []string{"0"}, time.Time{},
			user.Forms{Recorded: []string{"0", "a", "b"}, ChangedAt: now.Add(time.Minute), Until: now.Add(time.Hour)}, 3},
	} {
		if len(row.want.Recorded) == 3 {
			now = now.Add(time.Minute)
		}
		was := l.forms
		before, err := d.RecordForms(t.Context(), row.forms, row.until)
		if err != nil || before.Revision != was.Revision || !slices.Equal(before.Recorded, was.Recorded) {
			t.Errorf("%s: %+v before, %v", row.name, before, err)
		}
		row.want.Revision = uint64(row.writes)
		if got := fmt.Sprintf("%+v", l.forms); got != fmt.Sprintf("%+v", row.want) || l.writes != row.writes {
			t.Errorf("%s: %s after %d writes, want %+v after %d", row.name, got, l.writes, row.want, row.writes)
		}
	}
}

// A writer that is overtaken adds its forms to the forms of the other writer.
func TestRecordFormsConflict(t *testing.T) {
	l := &ledger{conflicts: 2}
	d := user.Directory{Store: l}
	if _, err := d.RecordForms(t.Context(), []string{"mine"}, time.Time{}); err != nil || len(l.forms.Lacks([]string{"mine", "of another writer 0", "of another writer 1"})) > 0 {
		t.Errorf("%q, %v", l.forms.Recorded, err)
	}
	l = &ledger{conflicts: 100}
	if _, err := (&user.Directory{Store: l}).RecordForms(t.Context(), []string{"mine"}, time.Time{}); !errors.Is(err, user.ErrConflict) {
		t.Errorf("always overtaken: %v", err)
	}
}

func TestRecordFormsErrors(t *testing.T) {
	if _, err := (&user.Directory{Store: &ledger{fail: auth.ErrUnavailable}}).RecordForms(t.Context(), []string{"a"}, time.Time{}); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("an outage: %v", err)
	}
	l, many := &ledger{}, []string{}
	for i := range 65 {
		many = append(many, fmt.Sprint(i))
	}
	d := user.Directory{Store: l}
	if _, err := d.RecordForms(t.Context(), many[:64], time.Time{}); err != nil {
		t.Error(err)
	}
	if _, err := d.RecordForms(t.Context(), many, time.Time{}); err == nil || !strings.Contains(err.Error(), "edgeauth user forms --clear") || len(l.forms.Recorded) != 64 {
		t.Errorf("%d forms, %v", len(l.forms.Recorded), err)
	}
}
