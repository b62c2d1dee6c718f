package importer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Options configure an import.
type Options struct {
	Directory *user.Directory
	// Forms records the forms of the hashes first. It is required unless DryRun is set.
	Forms *Forms
	// DryRun checks every record and writes nothing. It also finds users that occur twice in the
	// file, and remembers about twenty bytes of each user for this. A real import finds the first
	// user in the store.
	DryRun bool
	// Workers is how many users are written in parallel.
	Workers int
	// Failed is called for every record that was not imported, by one goroutine at a time.
	Failed func(Place, error)
}

// Import is one run of an import. Its counts can be read while it runs.
type Import struct {
	Options
	Created   atomic.Int64
	Unchanged atomic.Int64
	Kept      atomic.Int64 // changed here after an earlier import: the stored user wins
	Refused   atomic.Int64

	weak weak // of a dry run

	mu    sync.Mutex // held while Failed runs, and guards notes
	notes map[Note]int64
}

// Notes returns how many imported users a note is about.
func (i *Import) Notes() map[Note]int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.notes)
}

// note counts the notes about an imported user.
func (i *Import) note(notes []Note) {
	if len(notes) == 0 {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.notes == nil {
		i.notes = map[Note]int64{}
	}
	for _, n := range notes {
		i.notes[n]++
	}
}

// Done returns how many records have been processed.
func (i *Import) Done() int64 {
	return i.Created.Load() + i.Unchanged.Load() + i.Kept.Load() + i.Refused.Load()
}

var (
	errTwiceSubject = errors.New("an earlier record has the same subject")
	errTwicePointer = errors.New("an earlier record has one of the pointers")
	errTwiceEmail   = errors.New("an earlier record has the same e-mail, perhaps in another spelling")
)

// Run imports records until they end, ctx ends or the store does not answer any more. After an
// error, the import can be run again from the beginning: users that were imported before count as
// Unchanged.
func (i *Import) Run(ctx context.Context, records Records) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work, writing := make(chan Record), newInFlight()
	var workers sync.WaitGroup
	for range max(1, i.Workers) {
		workers.Go(func() {
			for one := range work {
				if err := i.one(ctx, one); err != nil {
					cancel(err)
				}
				writing.release(namesOf(one.User))
			}
		})
	}
	err := i.feed(ctx, records, work, writing)
	close(work)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (i *Import) feed(ctx context.Context, records Records, work chan<- Record, writing *inFlight) error {
	seen := newSeen()
	for one, err := range records {
		if err != nil {
			return err
		}
		if one.Err == nil && i.DryRun {
			one.Err = seen.add(one.User)
		}
		writing.take(namesOf(one.User))
		select {
		case work <- one:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// one imports a record. It returns an error only if the import cannot continue.
func (i *Import) one(ctx context.Context, r Record) error {
	outcome, err := user.ImportResult(""), r.Err
	if err == nil && !i.DryRun {
		if err := i.admit(ctx, r.User.Password); err != nil {
			return fmt.Errorf("%v: record the form of the hash: %w", r.At, err)
		}
	}
	if err == nil {
		outcome, err = i.try(ctx, r.User)
	}
	if err == nil {
		i.note(r.Notes)
	}
	if err == nil && i.DryRun && outcome == user.ImportCreated {
		err = i.weak.add(i.Directory, r.User.Password)
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return nil
	case errors.Is(err, auth.ErrUnavailable):
		return fmt.Errorf("%v: %w", r.At, err)
	case errors.Is(err, user.ErrChanged):
		i.Kept.Add(1)
	case err != nil:
		i.Refused.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.Failed(r.At, err)
	case outcome == user.ImportCreated:
		i.Created.Add(1)
	default:
		i.Unchanged.Add(1)
	}
	return nil
}

const (
	maxTries   = 8
	firstPause = 100 * time.Millisecond // doubled at each try: 13 seconds in total
)

// admit returns when users with a hash may be created.
func (i *Import) admit(ctx context.Context, hash auth.Secret) error {
	_, err := retry(ctx, func() (struct{}, error) { return struct{}{}, i.Forms.Admit(ctx, hash) })
	return err
}

func (i *Import) try(ctx context.Context, u user.User) (user.ImportResult, error) {
	do := i.Directory.Import
	if i.DryRun {
		do = i.Directory.CheckImport
	}
	return retry(ctx, func() (user.ImportResult, error) { return do(ctx, u) })
}

// retry repeats a write while the store is busy: a table needs time to scale to the load of an
// import.
func retry[T any](ctx context.Context, do func() (T, error)) (outcome T, err error) {
	for try := 0; ; try++ {
		outcome, err = do()
		busy := errors.Is(err, auth.ErrUnavailable) || errors.Is(err, user.ErrConflict)
		if !busy || try == maxTries-1 {
			return outcome, err
		}
		select {
		case <-ctx.Done():
			return outcome, ctx.Err()
		case <-time.After(firstPause << try):
		}
	}
}
