package login

import (
	"context"
	"fmt"
)

// slots are those that one login holds.
type slots struct {
	of  Attempts
	all []Slot
}

// take takes a slot while beside reads, which may be nil. Without a slot the read is cancelled, and take still sees it
// end. Its error comes first: a read that failed because of it says nothing.
func (s *slots) take(ctx context.Context, a Attempt, beside func(context.Context) error) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	var takeErr, readErr error
	take := func() {
		granted := false
		defer func() { // also where the counter panics
			if !granted {
				cancel()
			}
		}()
		var slot Slot
		if slot, takeErr = s.of.Take(ctx, a); takeErr == nil {
			granted = true
			s.all = append(s.all, slot)
		}
	}
	if beside == nil {
		take()
	} else {
		parallel(take, func() { readErr = beside(reading) })
	}
	if takeErr != nil {
		return fmt.Errorf("take a slot: %w", takeErr)
	}
	return readErr
}

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
