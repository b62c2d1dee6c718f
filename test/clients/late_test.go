package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/test/engine"
)

// lateScenes are the expected results of each example of docs/clients.md. Each line is a scene: the
// access token or the error, the token that is stored afterwards, and the number of requests.
const lateScenes = `on time: access t1 1
no new token: access t0 1
late: access t2 2
another login: access other 2
over: error - 1
unavailable: error t0 1
`

// TestLateAnswers runs the examples of docs/clients.md for an answer that arrives late. In Go the
// clock is the machine's, so the late answer takes longer than one second.
func TestLateAnswers(t *testing.T) {
	page := read(t, "../../docs/clients.md")
	for _, row := range []struct {
		language, tool, remedy, before, after string
		args                                  []string
	}{
		{"js", "node", "install Node.js 20 or later", "", lateJS, []string{"--input-type=module", "-"}},
		{"python", "python3", "install Python 3.10 or later", "", latePython, []string{"-"}},
		{"go", "go", "install Go", lateGoTypes, lateGo, nil},
	} {
		t.Run(row.language, func(t *testing.T) {
			tool, err := exec.LookPath(row.tool)
			if err != nil {
				engine.LeaveOut(t, row.tool, row.remedy)
			}
			block := regexp.MustCompile("(?s)```" + row.language + "\n([^`]*refresh\\([^`]*)```").FindStringSubmatch(page)
			if block == nil {
				t.Fatal("docs/clients.md has no such example")
			}
			program := row.before + block[1] + row.after
			args := row.args
			if row.language == "go" {
				file := filepath.Join(t.TempDir(), "main.go")
				if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
					t.Fatal(err)
				}
				args = []string{"run", file}
			}
			c := exec.CommandContext(t.Context(), tool, args...)
			c.Stdin = strings.NewReader(program)
			out, err := c.CombinedOutput()
			if err != nil || string(out) != lateScenes {
				t.Errorf("%v, got\n%s\nwant\n%s", err, out, lateScenes)
			}
		})
	}
}

const lateJS = `
let now = 0;
Date.now = () => now;
async function scene(name, ...answers) {
  const store = {refreshToken: "t0"};
  let requests = 0, got;
  const post = async () => answers[requests++](store);
  try { got = await refresh(store, post); } catch { got = "error"; }
  console.log(name + ": " + got + " " + (store.refreshToken ?? "-") + " " + requests);
}
const ok = (refresh_token) => ({status: 200, body: {access_token: "access", store_within: 1, refresh_token}});
await scene("on time", () => ok("t1"));
await scene("no new token", () => ok());
await scene("late", () => { now += 1100; return ok("t1"); }, () => ok("t2"));
await scene("another login", (store) => { store.refreshToken = "other"; return ok("t1"); }, () => ok());
await scene("over", () => ({status: 400, body: {error: "invalid_grant", terminal: true}}));
await scene("unavailable", () => ({status: 503, body: {error: "temporarily_unavailable", terminal: false}}));
`

const latePython = `
now = [0.0]
time.time = lambda: now[0]

def scene(name, *answers):
    store, requests = {"refresh_token": "t0"}, []
    def post(path, body):
        requests.append(body)
        return answers[len(requests) - 1](store)
    try:
        got = refresh(store, post)
    except RuntimeError:
        got = "error"
    print(f"{name}: {got} {store['refresh_token'] or '-'} {len(requests)}")

def ok(refresh_token=None):
    body = {"access_token": "access", "store_within": 1}
    if refresh_token:
        body["refresh_token"] = refresh_token
    return 200, body

def late(store):
    now[0] += 1.1
    return ok("t1")

def other(store):
    store["refresh_token"] = "other"
    return ok("t1")

scene("on time", lambda s: ok("t1"))
scene("no new token", lambda s: ok())
scene("late", late, lambda s: ok("t2"))
scene("another login", other, lambda s: ok())
scene("over", lambda s: (400, {"error": "invalid_grant", "terminal": True}))
scene("unavailable", lambda s: (503, {"error": "temporarily_unavailable", "terminal": False}))
`

const lateGoTypes = `package main

import (
	"errors"
	"fmt"
	"time"
)

type Store struct{ RefreshToken string }

type Answer struct {
	AccessToken, RefreshToken, Error string
	StoreWithin                      int
	Terminal                         bool
}

`

const lateGo = `
func scene(name string, answers ...func(*Store) Answer) {
	store, requests := &Store{"t0"}, 0
	got, err := refresh(store, func(_, _ string) (Answer, error) {
		requests++
		return answers[requests-1](store), nil
	})
	if err != nil {
		got = "error"
	}
	left := store.RefreshToken
	if left == "" {
		left = "-"
	}
	fmt.Printf("%s: %s %s %d\n", name, got, left, requests)
}

func ok(within int, token string) func(*Store) Answer {
	return func(*Store) Answer { return Answer{AccessToken: "access", RefreshToken: token, StoreWithin: within} }
}

func main() {
	scene("on time", ok(45, "t1"))
	scene("no new token", ok(45, ""))
	scene("late", func(s *Store) Answer { time.Sleep(1100 * time.Millisecond); return ok(1, "t1")(s) }, ok(45, "t2"))
	scene("another login", func(s *Store) Answer { s.RefreshToken = "other"; return ok(45, "t1")(s) }, ok(45, ""))
	scene("over", func(*Store) Answer { return Answer{Error: "invalid_grant", Terminal: true} })
	scene("unavailable", func(*Store) Answer { return Answer{Error: "temporarily_unavailable"} })
}
`
