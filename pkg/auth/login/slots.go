package login

import (
	"context"

	"github.com/edgeauth/edgeauth/internal/parallel"
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
	taken, err := parallel.Take(ctx, attempts, s.of.Take, beside)
	s.all = append(s.all, taken...)
	return err
}

// leave drops the reservations without settling them, so that they stay counted.
func (s *slots) leave() { s.all = nil }

// settle settles all reservations. It ignores cancellation, so that a client gains nothing by
// disconnecting.
func (s *slots) settle(ctx context.Context, e throttle.Ending) {
	if len(s.all) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	parallel.Each(len(s.all), func(i int) { _ = s.of.Settle(ctx, s.all[i], e) })
}
