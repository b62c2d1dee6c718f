package samlocal

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
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
		var call struct {
			TableName     string
			TransactItems []map[string]struct{ TableName string }
		}
		if err != nil || json.Unmarshal(body, &call) != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		_, operation, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
		r.mu.Lock()
		if call.TableName != "" {
			r.seen[access{function, "dynamodb:" + operation, call.TableName}] = true
		}
		for _, item := range call.TransactItems { // each needs the permission of its own action
			for verb, write := range item {
				r.seen[access{function, "dynamodb:" + verb + "Item", write.TableName}] = true
			}
		}
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
	type policy struct {
		PolicyDocument struct {
			Statement []struct{ Action, Resource any }
		}
	}
	var resources map[string]struct {
		Properties struct {
			policy            // of a managed policy
			Role              map[string][]string
			Policies          []policy
			ManagedPolicyArns []any
		}
	}
	if err := json.Unmarshal(raw, &resources); err != nil {
		t.Fatal(err)
	}
	all := map[access]bool{}
	for _, f := range functions {
		role := resources[f].Properties.Role["Fn::GetAtt"]
		if len(role) == 0 {
			t.Fatalf("%s has no role of this template", f)
		}
		policies := slices.Clone(resources[role[0]].Properties.Policies)
		for _, arn := range resources[role[0]].Properties.ManagedPolicyArns {
			if choice, ok := arn.(map[string]any)["Fn::If"].([]any); ok {
				arn = choice[2] // that of the default
			}
			managed, _ := arn.(map[string]any)["Ref"].(string)
			policies = append(policies, resources[managed].Properties.policy)
		}
		for _, p := range policies {
			for _, s := range p.PolicyDocument.Statement {
				for _, action := range listed(s.Action) {
					if action := action.(string); strings.HasPrefix(action, "dynamodb:") {
						for _, resource := range listed(s.Resource) {
							all[access{f, action, tableIn(t, resource)}] = true
						}
					}
				}
			}
		}
	}
	return all
}

// listed returns a value as a list: a policy may give one value instead of a list of one.
func listed(value any) []any {
	if all, ok := value.([]any); ok {
		return all
	}
	return []any{value}
}

// tableIn returns the logical id of the table whose ARN a policy names. If the stack may adopt an
// existing table instead, tableIn returns the table that the stack creates.
func tableIn(t *testing.T, resource any) string {
	t.Helper()
	if choice, ok := resource.(map[string]any)["Fn::If"].([]any); ok {
		resource = choice[1]
	}
	text, err := json.Marshal(resource)
	if err != nil {
		t.Fatal(err)
	}
	var arn struct {
		GetAtt []string `json:"Fn::GetAtt"`
	}
	if err := json.Unmarshal(text, &arn); err != nil || len(arn.GetAtt) == 0 {
		t.Fatalf("a policy names %s, want a table of this template", text)
	}
	return arn.GetAtt[0]
}
