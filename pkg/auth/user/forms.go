package user

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Forms is the record of a [Store] about the forms of the password hashes that its users have. A
// login that refuses waits as long as the slowest of these forms takes, so a form must be recorded
// before the first user with a hash of that form is created.
type Forms struct {
	// Recorded are the forms as password.FormOf returns them, in ascending order. A later version
	// may have recorded a form that this version does not know.
	Recorded []string
	// ChangedAt is when a form was added last, in UTC and in whole milliseconds.
	ChangedAt time.Time
	// Until is the instant until which an import may create users of the recorded forms. Before it,
	// no form may be removed. It is in UTC and in whole milliseconds.
	Until time.Time
	// Revision counts writes. [Store.UpdateForms] refuses a write that is not based on the latest
	// Revision.
	Revision uint64
}

// maxForms bounds Recorded, because each login function reads the record once a minute.
const maxForms = 64

// errTooManyForms says that a record would have more than 64 forms.
var errTooManyForms = errors.New("the users have password hashes of more than 64 forms and parameters; remove unused ones from the record with \"edgeauth user forms --clear\"")

// Lacks returns the given forms that are not recorded.
func (f Forms) Lacks(forms []string) (missing []string) {
	for _, form := range forms {
		if !slices.Contains(f.Recorded, form) && !slices.Contains(missing, form) {
			missing = append(missing, form)
		}
	}
	return missing
}

// RecordForms adds forms to the record and keeps all recorded forms until an instant. Before that
// instant, the caller may create users with hashes of these forms. The zero instant keeps nothing.
// RecordForms returns the earlier record, and writes nothing if the record needs no change.
func (d *Directory) RecordForms(ctx context.Context, forms []string, until time.Time) (before Forms, err error) {
	for range maxTries {
		before, err = d.Store.Forms(ctx)
		if err != nil {
			return before, err
		}
		after, until := before, until.UTC().Truncate(time.Millisecond)
		missing := before.Lacks(forms)
		if len(missing) == 0 && !until.After(before.Until) {
			return before, nil
		}
		if len(missing) > 0 {
			after.Recorded = append(slices.Clone(before.Recorded), missing...)
			slices.Sort(after.Recorded)
			after.ChangedAt = d.now()
		}
		if len(after.Recorded) > maxForms {
			return before, errTooManyForms
		}
		if until.After(before.Until) {
			after.Until = until
		}
		if err = d.Store.UpdateForms(ctx, after); !errors.Is(err, ErrConflict) {
			return before, err
		}
	}
	return before, err
}
