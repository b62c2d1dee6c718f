// Package e2e tests the real binary as users run it: on a port, with a data directory, from a
// shell.
package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// binary is the path of the edgeauth binary, which is built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "edgeauth-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder) // the system cleans up its temporary folder too
		binary = filepath.Join(folder, "edgeauth")
		if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/edgeauth").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// journal collects the output of a process.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// server is a running "edgeauth dev".
type server struct {
	home, url string
	welcome   string // the output at the start
	log       journal
	process   *exec.Cmd
	exited    chan error
}

// start runs "edgeauth dev" with the data directory home and further flags until the test ends.
// addr is HOST:PORT.
func start(t *testing.T, home, addr string, flags ...string) *server {
	t.Helper()
	s := &server{home: home, exited: make(chan error, 1)}
	s.process = exec.Command(binary, append([]string{"dev", "--addr", addr, "--data", home, "--algorithm", "EdDSA"}, flags...)...)
	s.process.Stderr = &s.log
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.process.Process.Kill() })

	lines := bufio.NewScanner(stdout)
	for complete := false; !complete && lines.Scan(); {
		s.welcome += lines.Text() + "\n"
		complete = strings.Contains(lines.Text(), "x$access") // the last command
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		s.exited <- s.process.Wait()
	}()
	s.url = regexp.MustCompile(`http://[\d.:]+`).FindString(s.welcome)
	if s.url == "" {
		t.Fatalf("the server does not start: %s%s", s.welcome, &s.log)
	}
	return s
}

func fresh(t *testing.T) *server {
	t.Helper()
	return start(t, filepath.Join(t.TempDir(), "home"), "127.0.0.1:0")
}

// again starts another server with the address and data directory of s.
func (s *server) again(t *testing.T) *server {
	t.Helper()
	return start(t, s.home, strings.TrimPrefix(s.url, "http://"))
}

// end sends a signal and waits for the exit.
func (s *server) end(t *testing.T, signal os.Signal) (after time.Duration, err error) {
	t.Helper()
	sent := time.Now()
	if err := s.process.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case err = <-s.exited:
	case <-time.After(10 * time.Second):
		t.Fatalf("the server still runs after %v", signal)
	}
	return time.Since(sent), err
}

// refreshes waits until the audit log has n refreshes, and counts their outcomes.
func (s *server) refreshes(t *testing.T, n int) map[string]int {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		count, all := map[string]int{}, 0
		for line := range strings.Lines(s.log.String()) {
			var event struct{ Event, Outcome string }
			if !strings.HasSuffix(line, "\n") {
				break
			}
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				t.Fatalf("not a line of the audit log: %q", line)
			}
			switch event.Event {
			case "session_renewed", "session_renew_fail", "session_expired", "authn_token_reuse":
				count[event.Outcome]++
				all++
			}
		}
		if all >= n || time.Now().After(deadline) {
			return count
		}
	}
}

// command runs the binary on the server's data directory and returns its output.
func (s *server) command(t *testing.T, in string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	c := exec.Command(binary, append(args, "--data", s.home)...)
	c.Stdin, c.Stderr = strings.NewReader(in), &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("edgeauth %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// client keeps enough idle connections for all workers of a test.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 20 * time.Second}

// tokens is the answer to a login or refresh.
type tokens struct {
	Status  int    `json:"-"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

func (s *server) post(path string, body any) (got tokens, err error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return got, err
	}
	answer, err := client.Post(s.url+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		return got, err
	}
	err = json.NewDecoder(answer.Body).Decode(&got)
	got.Status = answer.StatusCode
	return got, errors.Join(err, answer.Body.Close())
}

func (s *server) refresh(token string) (tokens, error) {
	return s.post("/auth/refresh", map[string]string{"refresh_token": token})
}

func (s *server) login(t *testing.T, email, password string) tokens {
	t.Helper()
	got, err := s.post("/auth/login", map[string]string{"email": email, "password": password})
	if err != nil || got.Status != http.StatusOK {
		t.Fatalf("login: %d %s, %v", got.Status, got.Error, err)
	}
	return got
}

// me requests the route behind the authorizer.
func (s *server) me(t *testing.T, access string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url+"/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() // it is only read
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(raw)
}

const demo = "demo@example.com"

func (s *server) demoPassword(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.home, "demo-password"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

// back gives direct access to the keys and the store of a running server.
type back struct {
	*service.Service
	stores service.Stores
	codec  session.Codec
	demo   auth.Subject
}

func (s *server) back(t *testing.T) *back {
	t.Helper()
	stores, err := service.OpenBolt(filepath.Join(s.home, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := service.New(t.Context(), service.Settings{
		Issuer: s.url, Audience: []string{s.url}, Stores: stores, KeyVersion: 1,
		SigningRing: keyrings.File(filepath.Join(s.home, "signing-ring.json")),
		RefreshKeys: keyrings.File(filepath.Join(s.home, "refresh-keys.json")),
		Client:      auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced},
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := stores.Users.List(t.Context(), "", 2)
	if err != nil || len(list.Users) != 1 || list.Users[0].Email != demo {
		t.Fatalf("%d users, %v", len(list.Users), err)
	}
	keys, err := keyring.LoadRefresh(t.Context(), keyrings.File(filepath.Join(s.home, "refresh-keys.json")), 1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &back{x, stores, session.Codec{Keys: keys}, list.Users[0].Subject()}
}

// open opens n sessions of the demo user and returns their refresh tokens. It skips the login,
// because the password hashes would take most of the test's time.
func (b *back) open(t *testing.T, n int, profile auth.Profile) []string {
	t.Helper()
	opening := session.Opening{Subject: b.demo, AuthTime: time.Now(), Client: auth.Client{
		ID: auth.DefaultClient, Profile: profile, IdleTimeout: time.Hour, AbsoluteTimeout: 2 * time.Hour,
	}}
	texts := make([]string, n)
	each(64, n, func(i int) {
		g, err := b.Sessions().Open(t.Context(), opening)
		if err != nil {
			t.Errorf("opening a session: %v", err)
			return
		}
		texts[i] = g.RefreshToken.Reveal()
	})
	if t.Failed() {
		t.FailNow()
	}
	return texts
}

// parse decodes a refresh token.
func (b *back) parse(t *testing.T, text string) session.Token {
	t.Helper()
	token, err := b.codec.Parse(t.Context(), auth.NewSecret(text))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// each calls f for 0 to n-1 with the given number of workers.
func each(workers, n int, f func(i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range workers {
		all.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}
