// Package runtimeapi runs the deployed programs of Lambda functions without Lambda. Each program
// runs behind a small server of the Lambda Runtime API (version 2018-06-01). Its environment has no
// variable of the test process.
//
//	Function --- starts, again after a crash ---> bootstrap
//	   |                                             |
//	 Invoke --> call --> GET  .../invocation/next <--+   one event at a time
//	        <------------ POST .../invocation/{id}/response or error
package runtimeapi

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Timeout is the maximum duration of an invocation, including the start of the process. The
// template gives the functions the same time.
const Timeout = 10 * time.Second

// Function is one execution environment of a Lambda function. It handles one event at a time, and
// the same process handles all events while it lives.
type Function struct {
	name, bootstrap string
	environment     map[string]string

	turn    sync.Mutex // held during an invocation
	running atomic.Pointer[instance]
	lose    atomic.Bool
	log     output
}

// New returns a Function for the program at bootstrap, in a folder with the function's name. The
// first event starts the program, as on Lambda, and the end of the test ends it. If the test fails,
// it prints the program's output.
func New(tb testing.TB, bootstrap string, environment map[string]string) *Function {
	f := &Function{name: filepath.Base(filepath.Dir(bootstrap)), bootstrap: bootstrap, environment: environment}
	tb.Cleanup(func() {
		f.Kill()
		if tb.Failed() {
			tb.Logf("%s wrote:\n%s", f.name, f.Log())
		}
	})
	return f
}

// Invoke returns the function's answer to one event. If there is no answer, the error is an *Error,
// unless this machine cannot start the program. Invoke is safe for concurrent use; events wait for
// their turn.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	c := newCall(ctx, event, f.lose.Swap(false))
	i, err := f.handOver(ctx, c)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-c.result:
		return r.answer, r.err
	case <-i.ended:
		return nil, i.exit()
	case <-ctx.Done():
		return nil, i.timeout()
	}
}

// handOver passes a call to the process when it requests the next event. If no process runs,
// handOver starts one.
func (f *Function) handOver(ctx context.Context, c *call) (*instance, error) {
	for {
		i := f.running.Load()
		fresh := i == nil || i.over()
		if fresh {
			var err error
			if i, err = f.start(); err != nil {
				return nil, err
			}
			f.running.Store(i)
		}
		select {
		case i.calls <- c:
			return i, nil
		case <-i.ended:
			if fresh {
				return nil, i.exit()
			}
		case <-ctx.Done():
			return nil, i.timeout()
		}
	}
}

// Kill ends the process with SIGKILL at any moment. The next event starts another process.
func (f *Function) Kill() {
	if i := f.running.Load(); i != nil {
		i.kill()
	}
}

// LoseNextAnswer kills the process of the next invocation when it answers: its work is done, and
// the answer is lost.
func (f *Function) LoseNextAnswer() { f.lose.Store(true) }

// Log returns the output of all processes of the function.
func (f *Function) Log() string { return f.log.String() }

// Error is what Lambda reports instead of an answer.
type Error struct {
	Type    string // a type of Lambda's, for example ErrorExit, or the function's
	Message string
	Log     string // the output of the process so far
}

// The error types of Lambda.
const (
	ErrorExit    = "Runtime.ExitError"
	ErrorTimeout = "Sandbox.Timedout"
)

func (e *Error) Error() string { return e.Type + ": " + e.Message + "\n" + e.Log }
