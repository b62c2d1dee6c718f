package samlocal

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client sends requests to one server.
type client struct {
	t   *testing.T
	url string
}

// answer is a server's answer.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request. headers are name, value, name, value.
func (c client) call(method, path, body string, headers ...string) answer {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

func (c client) postJSON(path, body string, headers ...string) answer {
	c.t.Helper()
	return c.call(http.MethodPost, path, body, append(headers, "Content-Type", "application/json")...)
}

func (c client) postForm(path, body string) answer {
	c.t.Helper()
	return c.call(http.MethodPost, path, body, "Content-Type", "application/x-www-form-urlencoded")
}

func (c client) get(path string, headers ...string) answer {
	c.t.Helper()
	return c.call(http.MethodGet, path, "", headers...)
}

// tokens are the answer to a login or refresh.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// tokens returns the tokens of an answer, which must be 200.
func (a answer) tokens(t *testing.T) tokens {
	t.Helper()
	var got tokens
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusOK || got.Access == "" || got.Refresh == "" {
		t.Fatalf("the answer is %d %s, not two tokens", a.status, a.body)
	}
	return got
}

func (a answer) want(t *testing.T, status int, in ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("the answer is %d %s, want %d", a.status, a.body, status)
	}
	for _, text := range in {
		if !strings.Contains(a.body, text) {
			t.Errorf("the answer is %s, want %s in it", a.body, text)
		}
	}
}

// tokensOf returns the tokens in the answer of a function, without a gateway.
func tokensOf(t *testing.T, text []byte) tokens {
	t.Helper()
	var e struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return answer{status: e.StatusCode, body: e.Body}.tokens(t)
}
