package frameworks_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/authtest"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/test/engine"
	"github.com/edgeauth/edgeauth/test/runtimeapi"
)

// TestServerlessOffline runs the real authorizer behind the Serverless Framework's plugin for local
// runs. Its events have members that the gateway does not send, even a version in TOKEN events.
func TestServerlessOffline(t *testing.T) {
	onlyAsked(t)
	t.Parallel()
	tool := need(t, "node", "install Node.js 20 or later")
	folder := fetched(t, "serverless", "package-lock.json")
	authority := authtest.New(t, authtest.Config{Algorithm: token.ES256})
	function := runtimeapi.New(t, bootstrap(t), map[string]string{
		"EDGEAUTH_ISSUER": authority.Issuer, "EDGEAUTH_AUDIENCE": strings.Join(authority.Audience, " "), "EDGEAUTH_JWKS": authority.JWKS(),
		"EDGEAUTH_HTTP_RESPONSE": "simple",
	})
	relay := &relay{t: t, function: function}
	server := httptest.NewServer(relay)
	t.Cleanup(server.Close)

	service := t.TempDir()
	for _, name := range []string{"serverless.yml", "handler.js"} {
		text, err := os.ReadFile(filepath.Join("serverless", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(service, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(folder, "node_modules"), filepath.Join(service, "node_modules")); err != nil {
		t.Fatal(err)
	}
	address := start(t, engine.Program{
		Folder: service,
		Command: func(port string) []string {
			return []string{
				"env", "SLS_TELEMETRY_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off", "FUNCTION=" + server.URL,
				tool, "node_modules/serverless/bin/serverless.js", "offline", "start", "--host", "127.0.0.1", "--httpPort", port, "--lambdaPort", "0",
				"--noPrependStageInUrl",
			}
		},
		Answers: func(address string) error {
			status, _, err := get("http://"+address+"/rest/token", "")
			if err == nil && status != http.StatusUnauthorized {
				err = errors.New("it does not serve the API yet")
			}
			return err
		},
	})

	for _, path := range []string{"/rest/plain", "/rest/token", "/rest/request", "/http/simple", "/http/policy"} {
		status, body, err := get("http://"+address+path, authority.Token("ada"))
		if err != nil || status != http.StatusOK || body != "ada" {
			t.Errorf("%s, a good token: %d %q, %v", path, status, body, err)
		}
		for _, bad := range authority.BadTokens("ada") {
			status, body, err := get("http://"+address+path, bad.Text)
			if err != nil || status != http.StatusUnauthorized && status != http.StatusForbidden {
				t.Errorf("%s, %s: %d %q, %v", path, bad.Name, status, body, err)
			}
		}
	}
	if want := 5 * (1 + len(authority.BadTokens("ada"))); relay.events < want {
		t.Errorf("%d events reached the authorizer, want %d", relay.events, want)
	}
	if strings.Contains(function.Log(), `"fault":`) {
		t.Error("an event was a fault")
	}
}

// relay passes each event to the function twice: unchanged, and with additional members, which must
// not change the answer.
type relay struct {
	t        *testing.T
	function *runtimeapi.Function

	one    sync.Mutex
	events int
}

func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.one.Lock()
	defer r.one.Unlock()
	r.events++
	event, err := io.ReadAll(request.Body)
	if err != nil {
		r.t.Error(err)
	}
	answer, err := r.function.Invoke(request.Context(), event)
	again, errAgain := r.function.Invoke(request.Context(), extended(r.t, event))
	if !bytes.Equal(answer, again) || (err == nil) != (errAgain == nil) {
		r.t.Errorf("with more members the answer %s, %v becomes %s, %v", answer, err, again, errAgain)
	}
	var failed *runtimeapi.Error
	if errors.As(err, &failed) {
		http.Error(w, failed.Message, http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}

// extended returns the event with unknown members, in the event itself and in its context.
func extended(t *testing.T, event []byte) []byte {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(event, &members); err != nil {
		t.Error(err)
		return nil
	}
	unknown := map[string]any{"": []any{nil, true, 1.5e300, map[string]any{"version": 7}}, "Version": "3.0", "principal": map[string]any{"sub": "eve"}}
	context, _ := members["requestContext"].(map[string]any)
	for name, value := range unknown {
		members[name] = value
		if context != nil {
			context[name] = value
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Error(err)
	}
	return text
}

// bootstrap builds the authorizer like a deployment.
func bootstrap(t *testing.T) (path string) {
	t.Helper()
	dist := t.TempDir()
	path = runtimeapi.Bootstrap(dist, runtime.GOARCH, "authorizer")
	command := exec.Command("make", "--no-print-directory", "-C", "../..", "ARCH="+runtime.GOARCH, "DIST="+dist, path)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	return path
}

func get(url, token string) (status int, body string, err error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}
