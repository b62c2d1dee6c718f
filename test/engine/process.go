package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// guard runs a program beside a watcher, both in a new process group. The watcher reads from a pipe
// that is never written to, and kills the group when the other end is closed. The test process
// holds that end, so the program ends with the test process, also after a panic, a timeout, Ctrl-C
// or SIGKILL; no cleanup in Go covers all of them. The watcher kills the group and not a process
// id: as long as the watcher is in the group, its number cannot be reused.
const guard = `(cat; kill -9 0) <&3 >/dev/null 2>&1 & exec "$@" 3<&-`

const (
	startTimeout = time.Minute
	pollInterval = 20 * time.Millisecond
)

// Program is a program that serves at a port of this machine.
type Program struct {
	Folder  string                     // its working folder
	Command func(port string) []string // its command line
	Answers func(address string) error // nil once it answers at host:port; an open port alone could be another program's
}

// Process is a running [Program]. It ends with this process, even if this process is killed.
type Process struct {
	Address string // host:port, on the loopback interface

	lifeline *os.File // see guard; an unreferenced file would be closed
	ended    chan struct{}
}

// Start starts a program on a free port and waits until it answers.
func Start(p Program) (started *Process, err error) {
	for range 3 { // another process may take the port first
		if started, err = p.startOnce(); err == nil {
			return started, nil
		}
	}
	return nil, err
}

// Stop ends the program, and all that it started in its process group.
func (p *Process) Stop() {
	_ = p.lifeline.Close()
	<-p.ended
}

func (p Program) startOnce() (*Process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	watched, lifeline, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = watched.Close() }()

	var output bytes.Buffer // read it only after the process has ended
	process := exec.Command("sh", append([]string{"-c", guard, "engine"}, p.Command(port)...)...)
	process.Dir = p.Folder
	process.SysProcAttr = ownGroup()
	process.ExtraFiles = []*os.File{watched} // descriptor 3
	process.Stdout, process.Stderr = &output, &output
	if err := process.Start(); err != nil {
		return nil, errors.Join(err, lifeline.Close())
	}
	started := &Process{Address: address, lifeline: lifeline, ended: make(chan struct{})}
	go func() {
		_ = process.Wait() // that the program ended is the failure, with any status
		close(started.ended)
	}()
	if err := p.answers(started); err != nil {
		started.Stop()
		return nil, fmt.Errorf("%w\n%s", err, strings.TrimSpace(output.String()))
	}
	return started, nil
}

// freeAddress returns a loopback address that was free a moment ago. DynamoDB Local accepts only a
// port, not an address.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answers waits until the program answers a request.
func (p Program) answers(started *Process) error {
	for timeout := time.After(startTimeout); ; {
		if p.Answers(started.Address) == nil {
			return nil
		}
		select {
		case <-started.ended:
			return errors.New("the program ended before it answered")
		case <-timeout:
			return fmt.Errorf("the program did not answer within %s", startTimeout)
		case <-time.After(pollInterval):
		}
	}
}

// ping asks for the list of tables.
func ping(address string) error {
	r, err := http.NewRequest(http.MethodPost, "http://"+address, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	r.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+AccessKeyID+"/20260101/"+Region+
		"/dynamodb/aws4_request, SignedHeaders=host, Signature=00") // the engines do not check it
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}
