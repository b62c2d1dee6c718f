package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// Options are how an import runs.
type Options struct {
	Directory *user.Directory
	// DryRun writes nothing. It finds a user who stands in the file twice, for which it remembers some twenty bytes of
	// each; an import that writes meets the first one in the store.
	DryRun bool
	// Workers is how many users are written at the same time.
	Workers int
	// Failed is told of every record that was not imported. It is called by one goroutine at a time.
	Failed func(Place, error)
}

// Import is one import. Its counts may be read while it runs.
type Import struct {
	Options
	Created   atomic.Int64
	Unchanged atomic.Int64
	Kept      atomic.Int64 // here already, and changed here since: what is stored wins
	Refused   atomic.Int64

	mu sync.Mutex // for Failed
}

// Done returns how many records are done with.
func (i *Import) Done() int64 {
	return i.Created.Load() + i.Unchanged.Load() + i.Kept.Load() + i.Refused.Load()
}

var (
	errTwiceSubject = errors.New("its subject stands on an earlier record")
	errTwiceEmail   = errors.New("its e-mail stands on an earlier record, perhaps in another spelling")
)

// Run imports records until their end, or until ctx ends, or until the store answers no more. After an error the
// import can be run again from the beginning: whoever is there already is Unchanged.
func (i *Import) Run(ctx context.Context, records Records) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan Record)
	var workers sync.WaitGroup
	for range max(1, i.Workers) {
		workers.Go(func() {
			for one := range work {
				if err := i.one(ctx, one); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := i.feed(ctx, records, work)
	close(work)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (i *Import) feed(ctx context.Context, records Records, work chan<- Record) error {
	seen := newSeen()
	for one, err := range records {
		if err != nil {
			return err
		}
		if one.Err == nil && i.DryRun {
			one.Err = seen.add(one.User)
		}
		select {
		case work <- one:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// one imports a record. An error says that the import cannot go on.
func (i *Import) one(ctx context.Context, r Record) error {
	outcome, err := user.Outcome(""), r.Err
	if err == nil {
		outcome, err = i.try(ctx, r.User)
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
	case outcome == user.Created:
		i.Created.Add(1)
	default:
		i.Unchanged.Add(1)
	}
	return nil
}

const (
	maxTries   = 8
	firstPause = 100 * time.Millisecond // doubled at each try: 13 seconds in all
)

// try asks again where the store was busy: a table grows into the load that an import is.
func (i *Import) try(ctx context.Context, u user.User) (user.Outcome, error) {
	do := i.Directory.Import
	if i.DryRun {
		do = i.Directory.CheckImport
	}
	for try := 0; ; try++ {
		outcome, err := do(ctx, u)
		busy := errors.Is(err, auth.ErrUnavailable) || errors.Is(err, user.ErrConflict)
		if !busy || try == maxTries-1 {
			return outcome, err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(firstPause << try):
		}
	}
}
