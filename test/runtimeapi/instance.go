package runtimeapi

import (
	"context"
	"io"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// instance is one process with its own Runtime API server, so that a killed process cannot receive
// an event of the next.
type instance struct {
	name    string
	calls   chan *call // the process receives from it when it requests the next event
	current atomic.Pointer[call]
	failed  atomic.Pointer[Error] // the reason that the process reports for not starting

	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	log     output
}

// call is one event in progress.
type call struct {
	id       string
	event    []byte
	deadline time.Time
	lost     bool        // see Function.LoseNextAnswer
	result   chan result // has room for one
}

type result struct {
	answer []byte
	err    error
}

func newCall(ctx context.Context, event []byte, lost bool) *call {
	deadline, _ := ctx.Deadline()
	return &call{uuid.NewString(), event, deadline, lost, make(chan result, 1)}
}

func (f *Function) start() (*instance, error) {
	i := &instance{name: f.name, calls: make(chan *call), ended: make(chan struct{})}
	server := httptest.NewServer(i.api())
	i.process = exec.Command(f.bootstrap)
	i.process.Dir = filepath.Dir(f.bootstrap)
	// Pass only these variables: a variable of the test process must not make a function work.
	i.process.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(server.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=" + f.name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"LAMBDA_TASK_ROOT=" + i.process.Dir,
		"_HANDLER=bootstrap",
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"TZ=:UTC",
	}
	for name, value := range f.environment {
		i.process.Env = append(i.process.Env, name+"="+value)
	}
	both := io.MultiWriter(&i.log, &f.log)
	i.process.Stdout, i.process.Stderr = both, both
	if err := i.process.Start(); err != nil {
		server.Close()
		return nil, err
	}
	go func() {
		_ = i.process.Wait() // exit reads the state
		close(i.ended)
		server.CloseClientConnections()
		server.Close()
	}()
	return i, nil
}

func (i *instance) over() bool {
	select {
	case <-i.ended:
		return true
	default:
		return false
	}
}

func (i *instance) kill() {
	_ = i.process.Process.Kill() // the process may have ended
	<-i.ended
}

// exit returns the end of the process as Lambda reports it, or the reason that the process
// reported.
func (i *instance) exit() *Error {
	if e := i.failed.Load(); e != nil {
		return &Error{e.Type, e.Message, i.log.String()}
	}
	return &Error{ErrorExit, "Runtime exited with error: " + i.process.ProcessState.String(), i.log.String()}
}

// timeout ends the process, as Lambda does if an invocation takes too long.
func (i *instance) timeout() *Error {
	i.kill()
	return &Error{ErrorTimeout, "the invocation was given up", i.log.String()}
}

// output collects the output of processes.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
