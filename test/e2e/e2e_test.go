package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// TestPrintedCommands runs in a shell the commands that the server prints.
func TestPrintedCommands(t *testing.T) {
	s := fresh(t)
	var script strings.Builder
	for line := range strings.Lines(s.welcome) {
		if strings.HasPrefix(line, "  ") {
			script.WriteString(line)
		}
	}
	if n := strings.Count(script.String(), "curl "); n != 7 {
		t.Fatalf("%d commands are printed:\n%s", n, s.welcome)
	}
	shell := exec.Command("bash", "-eu", "-o", "pipefail")
	shell.Stdin = strings.NewReader("command -v curl >/dev/null\n" + script.String())
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const granted = `{"access_token":"[\w.-]+","token_type":"Bearer","expires_in":\d+,"refresh_token":"ert_[\w-]+",` +
		`"refresh_expires_in":\d+,"session_expires_in":\d+,"store_within":45,"sid":"[\w-]{22}","delivery":"body"}`
	want := []string{
		strings.TrimSuffix(granted, "}") + `,"device_token":"edt_[\w-]+"}`,
		`{"auth_time":\d+,"client_id":"default","exp":\d+,"roles":\["demo"\],"scope":(null|\[\]),"sid":"[\w-]{22}","sub":"[0-9a-f-]{36}"}`,
		granted,
		granted,
		`{}`,
		`{"message":"Unauthorized"} 401`,
		`{"message":"Forbidden"} 403`,
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d answers:\n%s", len(got), out)
	}
	for i, pattern := range want {
		if !regexp.MustCompile("^" + pattern + "$").MatchString(got[i]) {
			t.Errorf("answer %d is  %s\nwant %s", i, got[i], pattern)
		}
	}
	if count := s.refreshes(t, 2); count["rotated"] != 1 || count["duplicate"] != 1 {
		t.Errorf("refreshes: %v\n%s", count, &s.log)
	}
}

// TestParallelRefreshes tests the promise to a client with one token store in the worst case: 200
// tabs refresh at once with the same token, and any of the answers may be the one that stays in the
// store.
func TestParallelRefreshes(t *testing.T) {
	const tabs = 200
	s := fresh(t)
	first := s.login(t, demo, s.demoPassword(t)).Refresh
	answers := make([]tokens, tabs)
	each(tabs, tabs, func(i int) {
		var err error
		if answers[i], err = s.refresh(first); err != nil || answers[i].Status != http.StatusOK {
			t.Errorf("%d %s, %v", answers[i].Status, answers[i].Error, err)
		}
	})
	if count := s.refreshes(t, tabs); count["rotated"] != 1 || count["rotated"]+count["duplicate"] != tabs {
		t.Errorf("refreshes: %v", count)
	}

	b := s.back(t)
	branches := map[session.Branch]bool{}
	for _, answer := range answers {
		token := b.parse(t, answer.Refresh)
		if branches[token.Branch] = true; token.Generation != 1 {
			t.Errorf("an answer is of generation %d", token.Generation)
		}
	}
	list, err := b.stores.Sessions.List(t.Context(), b.demo.ID, session.ID{}, 10)
	if err != nil || len(list) != 1 || list[0].Generation != 1 || len(branches) != tabs {
		t.Errorf("%d branches; %+v, %v", len(branches), list, err)
	}

	// Every answer must be valid. Within the minimum interval the server tells the client to keep
	// its token. After the interval, the first refresh would make the other refreshes duplicates.
	each(tabs, tabs, func(i int) {
		got, err := s.refresh(answers[i].Refresh)
		if err != nil || got.Status != http.StatusOK || got.Refresh != "" {
			t.Errorf("the refresh token of an answer is refused: %d %s, %v", got.Status, got.Error, err)
		}
	})
	if count := s.refreshes(t, 2*tabs); count["same"] != tabs {
		t.Errorf("refreshes: %v", count)
	}
	if status, body := s.me(t, answers[tabs-1].Access); status != http.StatusOK {
		t.Errorf("/me: %d %s", status, body)
	}
}

// TestKillInTheMiddle kills the server while 1,000 sessions refresh for the first time, so that
// each refresh is a write. Each client must be able to continue with its token: an answer that was
// sent is durable.
func TestKillInTheMiddle(t *testing.T) {
	const (
		sessions = 1000
		enough   = 400 // answers before the kill
	)
	s := fresh(t)
	users := s.command(t, "", "user", "list", "--json")
	held := s.back(t).open(t, sessions, auth.Balanced)
	var answered atomic.Int32
	each(32, sessions, func(i int) {
		got, err := s.refresh(held[i])
		if err != nil {
			return // the answer is lost, or the server is gone
		}
		if got.Status != http.StatusOK {
			t.Errorf("%d %s", got.Status, got.Error)
			return
		}
		held[i] = got.Refresh
		if answered.Add(1) == enough {
			_ = s.process.Process.Kill()
		}
	})
	if n := answered.Load(); n < enough || n == sessions {
		t.Fatalf("it was killed after %d answers", n)
	}
	<-s.exited

	s = s.again(t)
	if now := s.command(t, "", "user", "list", "--json"); now != users {
		t.Errorf("users before: %s\nand after: %s", users, now)
	}
	each(32, sessions, func(i int) {
		got, err := s.refresh(held[i])
		if err != nil || got.Status != http.StatusOK {
			t.Errorf("a session cannot continue: %d %s, %v", got.Status, got.Error, err)
		}
	})
	// A token that a client received is the newest of its session. A token that was not replaced is
	// valid whether or not the kill preceded the write of its rotation; after the write it is a
	// duplicate.
	count := s.refreshes(t, sessions)
	t.Logf("killed after %d of %d answers; then %v", answered.Load(), sessions, count)
	if count["same"] != int(answered.Load()) || count["same"]+count["rotated"]+count["duplicate"] != sessions {
		t.Errorf("refreshes: %v", count)
	}
}

// TestRestart checks that Ctrl-C ends the server at once, and that the next start continues with
// the same data.
func TestRestart(t *testing.T) {
	s := fresh(t)
	password := s.demoPassword(t)
	granted := s.login(t, demo, password)
	users := s.command(t, "", "user", "list", "--json")
	after, err := s.end(t, os.Interrupt) // while the client's connection is open
	if err != nil || after > time.Second {
		t.Errorf("it ended after %v: %v", after, err)
	}
	if _, err := s.refresh(granted.Refresh); err == nil {
		t.Error("a server still answers")
	}

	s = s.again(t)
	if now := s.command(t, "", "user", "list", "--json"); now != users || !strings.Contains(s.welcome, password) {
		t.Errorf("users before: %s\nand after: %s\n%s", users, now, s.welcome)
	}
	if status, body := s.me(t, granted.Access); status != http.StatusOK {
		t.Errorf("/me with an access token from before: %d %s", status, body)
	}
	if got, err := s.refresh(granted.Refresh); err != nil || got.Status != http.StatusOK {
		t.Errorf("refresh: %d %s, %v", got.Status, got.Error, err)
	}
	if after, err := s.end(t, syscall.SIGTERM); err != nil || after > time.Second {
		t.Errorf("it ended after %v: %v", after, err)
	}
}

// TestCommandBesideABusyServer adds a user while the server is writing refreshes all the time:
// sessions of the profile fixed write on every refresh.
func TestCommandBesideABusyServer(t *testing.T) {
	s := fresh(t)
	held := s.back(t).open(t, 16, auth.Fixed)
	stop := make(chan struct{})
	var load sync.WaitGroup
	var served atomic.Int64
	for _, token := range held {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := s.refresh(token)
				if err != nil || got.Status != http.StatusOK {
					t.Errorf("under load: %d %s, %v", got.Status, got.Error, err)
					return
				}
				served.Add(1)
			}
		})
	}
	for served.Load() < 100 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	before := served.Load()
	began := time.Now()
	s.command(t, "correct horse", "user", "add", "ada@example.com")
	took := time.Since(began)
	if served.Load() == before {
		t.Error("no refresh was served meanwhile")
	}
	s.login(t, "ada@example.com", "correct horse")
	close(stop)
	load.Wait()
	t.Logf("user add took %v beside %d refreshes", took, served.Load())
	if count := s.refreshes(t, int(served.Load())); int64(count["extended"]) != served.Load() {
		t.Errorf("%d served, %v logged", served.Load(), count)
	}
}
