package deploy_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// client is a client of a stack's API, with the tokens that it was given.
type client struct {
	http *http.Client
	url  string

	access, refresh string
}

func (s *stack) client() *client { return &client{http: s.cloud.client, url: s.outputs["ApiEndpoint"]} }

// answer is an answer of the API.
type answer struct {
	status int
	header http.Header
	body   map[string]any // nil if it is not a JSON object
}

func (a answer) text(member string) string { s, _ := a.body[member].(string); return s }

// send sends a request. A body is sent as JSON.
func (c *client) send(ctx context.Context, method, url string, body any, accessToken string) (answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if accessToken != "" {
		r.Header.Set("Authorization", "Bearer "+accessToken)
	}
	got, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err = io.ReadAll(got.Body)
	a := answer{status: got.StatusCode, header: got.Header}
	_ = json.Unmarshal(text, &a.body) // a gateway's own answers may be without a body
	return a, err
}

// expect sends a request and returns an error if the answer has another status or code.
func (c *client) expect(ctx context.Context, status int, code, method, path string, body any, accessToken string) (answer, error) {
	a, err := c.send(ctx, method, c.url+path, body, accessToken)
	if err == nil && (a.status != status || a.text("error") != code) {
		err = fmt.Errorf("%s %s: answered %d %v, want %d %q", method, path, a.status, a.body, status, code)
	}
	return a, err
}

type object = map[string]any

// granted keeps the tokens of an answer.
func (c *client) granted(a answer, err error) error {
	if err != nil {
		return err
	}
	c.access = a.text("access_token")
	if refresh := a.text("refresh_token"); refresh != "" { // within the interval, a client keeps its own
		c.refresh = refresh
	}
	if c.access == "" || c.refresh == "" {
		return fmt.Errorf("the answer %v has no tokens", a.body)
	}
	return nil
}

// login opens a session.
func (c *client) login(ctx context.Context, email, password string) error {
	return c.granted(c.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/login", object{"email": email, "password": password}, ""))
}

// renew refreshes the session.
func (c *client) renew(ctx context.Context) error {
	return c.granted(c.expect(ctx, http.StatusOK, "", http.MethodPost, "/auth/refresh", object{"refresh_token": c.refresh}, ""))
}

// ended checks that the session has ended.
func (c *client) ended(ctx context.Context) error {
	a, err := c.expect(ctx, http.StatusBadRequest, "invalid_grant", http.MethodPost, "/auth/refresh", object{"refresh_token": c.refresh}, "")
	if err == nil && a.body["terminal"] != true {
		err = fmt.Errorf("the refusal %v is not final", a.body)
	}
	return err
}

// part returns the header (0) or the claims (1) of the access token, as JSON.
func (c *client) part(n int) string {
	parts := strings.Split(c.access, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[min(n, len(parts)-1)])
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// claims returns the claims of the access token, as JSON.
func (c *client) claims() string { return c.part(1) }

// sid returns the id of the session.
func (c *client) sid() string {
	var claims struct{ Sid string }
	if err := json.Unmarshal([]byte(c.claims()), &claims); err != nil {
		return err.Error()
	}
	return claims.Sid
}

// kid returns the id of the key that signed the access token.
func (c *client) kid() string {
	var header struct{ Kid string }
	if err := json.Unmarshal([]byte(c.part(0)), &header); err != nil {
		return err.Error()
	}
	return header.Kid
}
