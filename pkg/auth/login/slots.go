package login

import (
	"context"
	"errors"
	"fmt"

	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

// slots holds the reservations of one login.
type slots struct {
	of  attempts
	all []slot
}

// take makes a reservation for each attempt and runs beside in parallel; beside may be nil. If a
// reservation fails, take cancels the context of beside and waits for it. The error of a
// reservation has precedence, because it may be the cause of the error of beside. Granted
// reservations are held in every case, so that settle releases them.
func (s *slots) take(ctx context.Context, attempts []attempt, beside func(context.Context) error) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	taken, errs := make([]slot, len(attempts)), make([]error, len(attempts))
	calls := make([]func(), 0, len(attempts)+1)
	for i, a := range attempts {
		errs[i] = errNotTaken
		calls = append(calls, func() {
			defer func() { // even if the counter panics
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

// errNotTaken is the error of a reservation until its counter has answered.
var errNotTaken = errors.New("no answer of the counter")

// leave drops the reservations without settling them, so that they stay counted.
func (s *slots) leave() { s.all = nil }

// settle settles all reservations. It ignores cancellation, so that a client gains nothing by
// disconnecting.
func (s *slots) settle(ctx context.Context, e throttle.Ending) {
	if len(s.all) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	each(len(s.all), func(i int) { _ = s.of.Settle(ctx, s.all[i], e) })
}
