package importer

import (
	"context"
	"sync"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	// settleTime is the time after which every running login knows a new form of hashes: twice the
	// age at which a login reads the record again.
	settleTime = 2 * time.Minute
	// clockSkew is how much the clock of the machine that recorded a form may differ from this one.
	clockSkew = time.Minute
	// keepTime is how long the record keeps the forms of an import after its last renewal, and
	// renewTime is the time between two renewals. The difference is more than 15 minutes, by which
	// the clocks of two machines may differ if both sign requests to AWS.
	keepTime, renewTime = 20 * time.Minute, time.Minute
)

// Forms records the forms of hashes of an import before the first user with a hash of that form is
// created, so that logins know how long a refusal must take. It is safe for concurrent use.
//
// A form stays recorded while the import runs. The removal of unused forms reads the record, then
// all users, and then writes the record as read. It fails if an import has written the record in
// the meantime, and does not begin while the record says that an import may be running. An import
// that was stopped for longer than keepTime finds its forms missing at the next user and records
// them again.
type Forms struct {
	directory *user.Directory
	now       func() time.Time
	// wait waits until every running login knows new forms.
	wait func(ctx context.Context, forms []string, d time.Duration) error

	mu      sync.Mutex
	stored  map[string]string // the form of a hash in the file -> the form in which it is stored
	settled map[string]bool   // the forms that every running login knows
	renew   time.Time         // the time of the next renewal
	failed  error             // the error that ended the import
}

// NewForms returns the Forms of an import into d. wait is called, by one goroutine at a time, with
// new forms and the time after which every running login knows them.
func NewForms(d *user.Directory, wait func(ctx context.Context, forms []string, d time.Duration) error) *Forms {
	now := d.Now
	if now == nil {
		now = time.Now
	}
	return &Forms{directory: d, now: now, wait: wait, stored: map[string]string{}, settled: map[string]bool{}}
}

// Admit returns when users with the given hashes may be created. It ignores hashes that an import
// refuses. An error ends the import: each later call returns the same error, so that no second worker
// begins to wait before the import is canceled.
func (f *Forms) Admit(ctx context.Context, hashes ...auth.Secret) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed == nil {
		f.failed = f.admit(ctx, hashes)
	}
	return f.failed
}

func (f *Forms) admit(ctx context.Context, hashes []auth.Secret) error {
	isNew := false
	for _, hash := range hashes {
		form, err := password.FormOf(hash)
		if err != nil {
			continue
		}
		if _, ok := f.stored[form]; ok {
			continue
		}
		if f.stored[form], err = storedForm(f.directory, form); err != nil {
			return err
		}
		isNew = true
	}
	if len(f.stored) == 0 || !isNew && f.now().Before(f.renew) {
		return nil
	}
	return f.record(ctx)
}

func (f *Forms) record(ctx context.Context) error {
	var all, unsettled []string
	for _, form := range f.stored {
		all = append(all, form)
		if !f.settled[form] {
			unsettled = append(unsettled, form)
		}
	}
	at := f.now()
	before, err := f.directory.RecordForms(ctx, all, at.Add(keepTime))
	if err != nil {
		return err
	}
	missing, left := before.Lacks(all), settleTime
	if len(missing) == 0 {
		// An interrupted import may have recorded the forms a moment ago.
		missing, left = unsettled, min(settleTime, before.ChangedAt.Add(settleTime+clockSkew).Sub(at))
	}
	if len(missing) > 0 && left > 0 {
		if err := f.wait(ctx, missing, left); err != nil {
			return err
		}
	}
	for _, form := range all {
		f.settled[form] = true
	}
	f.renew = f.now().Add(renewTime)
	return nil
}

// storedForm returns the form in which d stores a hash of a form.
func storedForm(d *user.Directory, form string) (string, error) {
	if d.Wrap == nil {
		return form, nil
	}
	stored, err := d.Wrap(auth.NewSecret(form))
	if err != nil {
		return "", err
	}
	return password.FormOf(stored)
}
