package samlocal

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// recorder is a proxy between the functions and the engine, with one port for each function. It
// records what each function does. The engine checks no permission, so the tests compare the
// records with the roles.
type recorder struct {
	ways map[string]string // the engine's URL for each function

	mu   sync.Mutex
	seen map[access]bool
}

// access is an action that a function did, or that its role allows.
type access struct{ function, action, table string }

func record(t *testing.T, endpoint string) *recorder {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{ways: map[string]string{}, seen: map[access]bool{}}
	for _, f := range functions {
		listener, err := net.Listen("tcp", ":0") // containers do not use the loopback interface
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: r.handler(f, httputil.NewSingleHostReverseProxy(target))}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { _ = server.Close() })
		r.ways[f] = "http://127.0.0.1:" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	}
	return r
}

func (r *recorder) handler(function string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var call struct{ TableName string }
		if err != nil || json.Unmarshal(body, &call) != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		_, operation, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
		r.mu.Lock()
		r.seen[access{function, "dynamodb:" + operation, call.TableName}] = true
		r.mu.Unlock()
		q.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, q)
	})
}

func (r *recorder) accesses() map[access]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[access]bool{}
	for a := range r.seen {
		seen[a] = true
	}
	return seen
}

// granted returns the actions on the tables that the roles of a template allow to each function.
func granted(t *testing.T, template map[string]any) map[access]bool {
	t.Helper()
	raw, err := json.Marshal(template["Resources"])
	if err != nil {
		t.Fatal(err)
	}
	type reference struct {
		GetAtt []string `json:"Fn::GetAtt"`
	}
	var resources map[string]struct {
		Properties struct {
			Role     json.RawMessage
			Policies json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &resources); err != nil {
		t.Fatal(err)
	}
	all := map[access]bool{}
	for _, f := range functions {
		var role reference
		if err := json.Unmarshal(resources[f].Properties.Role, &role); err != nil || len(role.GetAtt) == 0 {
			t.Fatalf("%s has no role of this template", f)
		}
		var policies []struct {
			PolicyDocument struct {
				Statement []struct {
					Action   any
					Resource reference
				}
			}
		}
		if err := json.Unmarshal(resources[role.GetAtt[0]].Properties.Policies, &policies); err != nil {
			t.Fatal(err)
		}
		for _, p := range policies {
			for _, s := range p.PolicyDocument.Statement {
				actions, ok := s.Action.([]any)
				if !ok {
					actions = []any{s.Action}
				}
				for _, a := range actions {
					if action := a.(string); strings.HasPrefix(action, "dynamodb:") {
						all[access{f, action, s.Resource.GetAtt[0]}] = true
					}
				}
			}
		}
	}
	return all
}
