package samlocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Server is a running "sam local start-api".
type Server struct {
	URL string

	stop  context.CancelFunc
	ended chan struct{}
	log   *log
}

// PortInUseError says that another program listens on a port.
type PortInUseError struct{ Port int }

func (e *PortInUseError) Error() string {
	return fmt.Sprintf("port %d is in use: stop the program that listens there, or use another port: make sam-local PORT=%d", e.Port, e.Port+1)
}

// CheckPort returns a *PortInUseError if another program listens on port. SAM CLI would report that
// only after everything else has started.
func CheckPort(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return &PortInUseError{port}
	}
	return l.Close()
}

// Serve starts API Gateway with a template and waits until it answers. The server ends when ctx
// ends or at [Server.Stop].
func (p Project) Serve(ctx context.Context, template string, s State, port int, parameters map[string]string) (*Server, error) {
	if err := CheckPort(port); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	args := append([]string{"local", "start-api", "--host", "127.0.0.1", "--port", strconv.Itoa(port),
		"--warm-containers", "LAZY"}, p.localArgs(ctx, template, s.Variables, parameters)...)
	c := p.command(ctx, p.sam(), args...)
	v := &Server{URL: "http://127.0.0.1:" + strconv.Itoa(port), stop: stop, ended: make(chan struct{}), log: &log{}}
	var out io.Writer = v.log
	if p.Log != nil {
		out = p.Log
	}
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		stop()
		return nil, err
	}
	go func() {
		_ = c.Wait() // its log says why it ended
		close(v.ended)
	}()
	if err := v.answers(); err != nil {
		v.Stop()
		return nil, fmt.Errorf("sam local start-api %w\n%s", err, v.Log())
	}
	return v, nil
}

// Stop ends the server and its containers.
func (v *Server) Stop() {
	v.stop()
	<-v.ended
}

// Ended returns a channel that is closed when the server has ended.
func (v *Server) Ended() <-chan struct{} { return v.ended }

// Log returns the output of SAM CLI and the functions so far.
func (v *Server) Log() string { return v.log.String() }

func (v *Server) answers() error {
	for timeout := time.After(time.Minute); ; {
		if r, err := http.Get(v.URL + "/"); err == nil {
			return r.Body.Close()
		}
		select {
		case <-v.ended:
			return errors.New("ended before it answered")
		case <-timeout:
			return errors.New("did not answer within a minute")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// log is a buffer that can be read while it is written.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Invoke calls a function of a template once with an event and returns its answer. An error of the
// function is an answer too.
func (p Project) Invoke(ctx context.Context, template string, s State, function string, event io.Reader) ([]byte, error) {
	c := p.command(ctx, p.sam(), append([]string{"local", "invoke", function, "--event", "-"}, p.localArgs(ctx, template, s.Variables, nil)...)...)
	c.Stdin = event
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if answer := bytes.TrimSpace(out); len(answer) > 0 {
		return answer, nil
	}
	return nil, fmt.Errorf("sam local invoke %s: no answer: %w\n%s", function, err, &stderr)
}
