package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgeauth/edgeauth/cmd/edgeauth/internal/stack"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

// walk calls do for every user of a store, page after page, with several users of a page in
// parallel. A store that does not answer, for example because of load, is tried again with growing
// pauses. So do must be harmless if it is repeated.
type walk struct {
	terminal terminal
	users    user.Store
	after    auth.SubjectID // where the walk begins; empty for all users
	workers  int
	do       func(context.Context, user.User) error
	// pause waits before another try. nil means a real wait.
	pause func(ctx context.Context, tried int) error
	// show shows the progress. nil means that the walk creates a progress.
	show *progress

	done       atomic.Int64
	unreadable []user.Unreadable
}

const (
	walkPage    = 100
	walkTries   = 8 // together about half a minute, besides the retries of the store's client
	firstPause  = 100 * time.Millisecond
	mostWorkers = 256
)

// check returns an error if the options of the walk are out of range.
func (w *walk) check() error {
	if w.workers < 1 || w.workers > mostWorkers {
		return fmt.Errorf("%w: --workers %d is out of range (want 1 to %d)", errUsage, w.workers, mostWorkers)
	}
	return nil
}

// run walks. The error says where another walk can continue.
func (w *walk) run(ctx context.Context) error {
	if err := w.check(); err != nil {
		return err
	}
	if w.show == nil {
		w.show = &progress{t: w.terminal, read: new(atomic.Int64)}
	}
	defer w.show.start(w.done.Load)()
	for after := w.after; ; {
		var page user.Page
		err := w.patiently(ctx, func() (err error) {
			page, err = w.users.List(ctx, after, walkPage)
			return err
		})
		if err == nil {
			err = w.page(ctx, page.Users)
		}
		if err != nil {
			return &stopped{after, stack.Explain(err)}
		}
		w.unreadable = append(w.unreadable, page.Unreadable...)
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// page calls do for the users of a page. After an error it begins no further user.
func (w *walk) page(ctx context.Context, users []user.User) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	slots := make(chan struct{}, w.workers)
	for _, u := range users {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			if err := w.patiently(ctx, func() error { return w.do(ctx, u) }); err != nil {
				stop(fmt.Errorf("subject %s: %w", printable(string(u.ID)), err))
				return
			}
			w.done.Add(1)
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// patiently calls f until the store answers, with a pause before each retry.
func (w *walk) patiently(ctx context.Context, f func() error) error {
	pause := w.pause
	if pause == nil {
		pause = wait
	}
	for tried := 1; ; tried++ {
		err := f()
		if !errors.Is(err, auth.ErrUnavailable) || tried == walkTries || !isTransient(err) {
			return err
		}
		if err := pause(ctx, tried); err != nil {
			return err
		}
	}
}

// isTransient reports whether another try may succeed. Denied access stays denied.
func isTransient(err error) bool {
	var code interface{ ErrorCode() string }
	return errors.Is(err, session.ErrThrottled) || !errors.As(err, &code) || code.ErrorCode() == "InternalServerError"
}

// wait pauses, each time twice as long, minus a random part of up to a half, so that the workers do
// not retry at the same moment.
func wait(ctx context.Context, tried int) error {
	d := firstPause << (tried - 1)
	d -= rand.N(d / 2)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// stopped is the error of a walk that did not reach the end.
type stopped struct {
	after auth.SubjectID // the last user of the last page that is done
	err   error
}

func (s *stopped) Error() string {
	text := s.err.Error()
	if errors.Is(s.err, context.Canceled) {
		text = "interrupted"
	}
	if s.after == "" {
		return text + "; run the same command again"
	}
	return fmt.Sprintf("%s; run the same command again with --after %s to continue", text, printable(string(s.after)))
}

func (s *stopped) Unwrap() error { return s.err }
