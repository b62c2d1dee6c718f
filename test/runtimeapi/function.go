// Package runtimeapi runs Lambda functions without Lambda: the very programs that are deployed, each behind a small
// server of the Lambda Runtime API (version 2018-06-01), with an environment that holds nothing of this process's.
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

// Timeout is how long an invocation may take, the start of the process included. The template gives the functions as
// long.
const Timeout = 10 * time.Second

// Function is one execution environment of a Lambda function: it takes one event at a time, and while its process
// lives, the same process takes them all.
type Function struct {
	name, bootstrap string
	environment     map[string]string

	turn    sync.Mutex // of the invocation under way
	running atomic.Pointer[instance]
	lose    atomic.Bool
	log     output
}

// New returns the function whose program is at bootstrap, in a folder with the function's name. The program is started
// by the first event, as on Lambda, and ends with the test at the latest. A test that fails shows what it wrote.
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

// Invoke returns the function's answer to one event. Everything that is no answer is an *Error, but for what keeps
// this machine from starting a program. It is safe for concurrent use; events wait for their turn.
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

// handOver gives a call to the process when it asks for one. Where none runs, it starts one, which must get so far.
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

// Kill ends the process as SIGKILL does, whatever it is doing. The next event starts another.
func (f *Function) Kill() {
	if i := f.running.Load(); i != nil {
		i.kill()
	}
}

// LoseNextAnswer kills the process of the next invocation at the moment in which it answers: its work is done and
// nobody learns of it.
func (f *Function) LoseNextAnswer() { f.lose.Store(true) }

// Log returns what all processes of the function have written.
func (f *Function) Log() string { return f.log.String() }

// Error is what Lambda reports in place of an answer.
type Error struct {
	Type    string // Lambda's own, as in ErrorExit, or the function's
	Message string
	Log     string // what the process had written
}

// Types of errors that are Lambda's own.
const (
	ErrorExit    = "Runtime.ExitError"
	ErrorTimeout = "Sandbox.Timedout"
)

func (e *Error) Error() string { return e.Type + ": " + e.Message + "\n" + e.Log }
