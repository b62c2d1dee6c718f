package mail

import (
	"context"
	"fmt"
	"sync"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// localLength is how many messages can wait in a [Local] queue.
const localLength = 256

// Local is a queue in the memory of the process, for a program that sends its mails itself. Waiting
// messages are lost when the process ends. It is safe for concurrent use.
type Local struct {
	waiting chan Message
	done    sync.WaitGroup
}

// NewLocal returns a queue that passes each message to send, one after the other, in its own
// goroutine. send must handle its errors itself.
func NewLocal(send func(ctx context.Context, m Message)) *Local {
	q := &Local{waiting: make(chan Message, localLength)}
	q.done.Go(func() {
		for m := range q.waiting {
			send(context.Background(), m)
		}
	})
	return q
}

// Enqueue hands a message over and returns at once, so an answer never waits for a mail. The error
// wraps [auth.ErrUnavailable] if the queue is full.
func (q *Local) Enqueue(_ context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	select {
	case q.waiting <- m:
		return nil
	default:
		return fmt.Errorf("mail: %d messages wait to be sent: %w", localLength, auth.ErrUnavailable)
	}
}

// Close sends the waiting messages and then returns. Enqueue must not be called any more.
func (q *Local) Close() {
	close(q.waiting)
	q.done.Wait()
}
