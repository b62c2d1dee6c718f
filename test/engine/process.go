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

// guard runs an engine beside a watcher, both in a new process group. The watcher reads from a pipe
// that is never written to, and kills the group when the other end is closed. The test process
// holds that end, so the engine ends with the test process, also after a panic, a timeout, Ctrl-C
// or SIGKILL; no cleanup in Go covers all of them. The watcher kills the group and not a process
// id: as long as the watcher is in the group, its number cannot be reused.
const guard = `(cat; kill -9 0) <&3 >/dev/null 2>&1 & exec "$@" 3<&-`

const (
	startTimeout = time.Minute
	pollInterval = 20 * time.Millisecond
)

// start starts the engine in folder and waits until it answers. command returns the engine's
// command line for a port.
func (e *Engine) start(folder string, command func(port string) []string) (err error) {
	for range 3 { // another process may take the port first
		if err = e.startOnce(folder, command); err == nil {
			return nil
		}
	}
	return err
}

func (e *Engine) startOnce(folder string, command func(port string) []string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	watched, lifeline, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = watched.Close() }()

	var output bytes.Buffer // read it only after the process has ended
	process := exec.Command("sh", append([]string{"-c", guard, "engine"}, command(port)...)...)
	process.Dir = folder
	process.SysProcAttr = ownGroup()
	process.ExtraFiles = []*os.File{watched} // descriptor 3
	process.Stdout, process.Stderr = &output, &output
	if err := process.Start(); err != nil {
		return errors.Join(err, lifeline.Close())
	}
	ended := make(chan struct{})
	go func() {
		_ = process.Wait() // that the engine ended is the failure, with any status
		close(ended)
	}()
	e.Endpoint, e.lifeline = "http://"+address, lifeline
	if err := e.answers(ended); err != nil {
		_ = lifeline.Close()
		<-ended
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(output.String()))
	}
	return nil
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

// answers waits until the engine answers a request.
func (e *Engine) answers(ended <-chan struct{}) error {
	for timeout := time.After(startTimeout); ; {
		if e.ping() == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("the engine ended before it answered")
		case <-timeout:
			return fmt.Errorf("the engine did not answer within %s", startTimeout)
		case <-time.After(pollInterval):
		}
	}
}

// ping asks for the list of tables. An open port alone could be another program's.
func (e *Engine) ping() error {
	r, err := http.NewRequest(http.MethodPost, e.Endpoint, strings.NewReader("{}"))
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
