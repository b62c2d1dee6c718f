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

// guard runs an engine beside a watcher, in a process group of theirs. The watcher reads from a pipe into which nobody
// writes, and kills the group when the other end is closed. The test process holds that end, so the engine goes
// whichever way the test process does: by its end, a panic, a timeout, Ctrl-C or SIGKILL. No cleanup in Go covers them
// all. The group is what is killed because its number cannot have become a stranger's while the watcher is in it.
const guard = `(cat; kill -9 0) <&3 >/dev/null 2>&1 & exec "$@" 3<&-`

const (
	startTimeout = time.Minute
	pollInterval = 20 * time.Millisecond
)

// start starts the engine in a folder by the command for a port, and waits until it answers.
func (e *Engine) start(folder string, command func(port string) []string) (err error) {
	for range 3 { // somebody else may get the port before the engine does
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

	var output bytes.Buffer // not to be read before the process has ended
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
		_ = process.Wait() // an engine that has ended is the failure, whatever it says about it
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

// freeAddress returns a loopback address that was free a moment ago. DynamoDB Local cannot be told an address, only
// a port.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answers waits for the engine's first answer to a request.
func (e *Engine) answers(ended <-chan struct{}) error {
	for timeout := time.After(startTimeout); ; {
		if e.ping() == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("it ended at once")
		case <-timeout:
			return fmt.Errorf("it did not answer within %s", startTimeout)
		case <-time.After(pollInterval):
		}
	}
}

// ping asks for the list of tables, which is more than an open port: a second engine on it would not do.
func (e *Engine) ping() error {
	r, err := http.NewRequest(http.MethodPost, e.Endpoint, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	r.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+AccessKeyID+"/20260101/"+Region+
		"/dynamodb/aws4_request, SignedHeaders=host, Signature=00") // which nobody checks
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
