package login

import (
	"context"
	"errors"
	"fmt"
)

// slots are those that one login holds.
type slots struct {
	of  Attempts
	all []Slot
}

// take takes a slot for each attempt while beside reads, which may be nil. All run at the same time. If a slot is
// refused, the read is cancelled, and take still sees it end. The slots' errors come first: a read that failed because of
// them says nothing. The slots that were granted are held in every case, so that settle gives them back.
func (s *slots) take(ctx context.Context, attempts []Attempt, beside func(context.Context) error) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	taken, errs := make([]Slot, len(attempts)), make([]error, len(attempts))
	calls := make([]func(), 0, len(attempts)+1)
	for i, a := range attempts {
		errs[i] = errNotTaken
		calls = append(calls, func() {
			defer func() { // also if the counter panics
				if errs[i] != nil {
					cancel()
				}
			}()
			taken[i], errs[i] = s.of.Take(ctx, a)
		})
	}
	var readErr error
	if beside != nil {
		calls = append(calls, func() { readErr = beside(reading) })
	}
	parallel(calls[0], calls[1:]...)
	var takeErr error
	for i, err := range errs {
		if err == nil {
			s.all = append(s.all, taken[i])
		} else if takeErr == nil {
			takeErr = fmt.Errorf("take a slot: %w", err)
		}
	}
	if takeErr != nil {
		return takeErr
	}
	return readErr
}

// errNotTaken is the error of a slot until its counter has answered.
var errNotTaken = errors.New("no answer of the counter")

// leave lets go of the slots that are held so far: they stay counted.
func (s *slots) leave() { s.all = nil }

// settle settles all of them. It cannot be cancelled: hanging up in time must buy nothing.
func (s *slots) settle(ctx context.Context, e Ending) {
	if len(s.all) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	each(len(s.all), func(i int) { _ = s.of.Settle(ctx, s.all[i], e) })
}
