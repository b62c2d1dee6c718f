package parallel

import (
	"context"
	"errors"
	"fmt"
)

// Take calls take to make a reservation for each attempt, and runs beside at the same time; beside
// may be nil. If a reservation fails, Take cancels the context of beside and waits for it. The
// error of a reservation has precedence, because it may be the cause of the error of beside. The
// granted reservations are returned in every case, so that the caller can release them.
func Take[A, S any](
	ctx context.Context, attempts []A, take func(context.Context, A) (S, error), beside func(context.Context) error,
) (granted []S, err error) {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	taken, errs := make([]S, len(attempts)), make([]error, len(attempts))
	var calls []func()
	for i, a := range attempts {
		errs[i] = errNotTaken
		calls = append(calls, func() {
			defer func() { // even if the counter panics
				if errs[i] != nil {
					cancel()
				}
			}()
			taken[i], errs[i] = take(ctx, a)
		})
	}
	var readErr error
	if beside != nil {
		calls = append(calls, func() { readErr = beside(reading) })
	}
	if len(calls) > 0 {
		Run(calls[0], calls[1:]...)
	}
	var takeErr error
	for i, err := range errs {
		if err == nil {
			granted = append(granted, taken[i])
		} else if takeErr == nil {
			takeErr = fmt.Errorf("take a slot: %w", err)
		}
	}
	if takeErr != nil {
		return granted, takeErr
	}
	return granted, readErr
}

// errNotTaken is the error of a reservation until its counter has answered.
var errNotTaken = errors.New("the counter did not answer")
