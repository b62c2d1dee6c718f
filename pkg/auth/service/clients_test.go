package service

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
)

const day = 24 * time.Hour

// environmentClient is the default client in the environment that good returns.
var environmentClient = auth.Client{ID: auth.DefaultClient, Profile: auth.Balanced, IdleTimeout: 14 * day, AbsoluteTimeout: 90 * day}

// changed returns the default client of the environment with another id and other values.
func changed(id auth.ClientID, change func(*auth.Client)) auth.Client {
	c := environmentClient
	c.ID = id
	if change != nil {
		change(&c)
	}
	return c
}

func TestClients(t *testing.T) {
	for _, row := range []struct {
		name, clients string
		want          []auth.Client // in addition to the default client of the environment, or instead of it
	}{
		{"none", ``, nil},
		{"one that says nothing", `{"web":{}}`, []auth.Client{changed("web", nil)}},
		{"everything", `{"app":{"profile":"fixed","access_token_lifetime":"5m","idle_timeout":"1h","absolute_timeout":"24h",` +
			`"scope":["read","write"],"audience":["https://a.example","b"],"delivery":["cookies","body"],"email_claims":true,"max_sessions":5}}`,
			[]auth.Client{{ID: "app", Profile: auth.Fixed, AccessTokenLifetime: 5 * time.Minute, IdleTimeout: time.Hour,
				AbsoluteTimeout: day, OpaqueTimeout: day, Scope: []string{"read", "write"}, Audience: []string{"https://a.example", "b"}, EmailClaims: true, MaxSessions: 5, Delivery: []auth.Delivery{auth.DeliveryCookies, auth.DeliveryBody}}}},
		{"the default client has values too, and nobody inherits them", `{"default":{"profile":"strict","scope":["a"]},"web":{"scope":["b"]}}`,
			[]auth.Client{
				changed(auth.DefaultClient, func(c *auth.Client) { c.Profile, c.Scope = auth.Strict, []string{"a"} }),
				changed("web", func(c *auth.Client) { c.Scope = []string{"b"} }),
			}},
		{"as short as can be", `{"x":{"access_token_lifetime":"1m","idle_timeout":"11m","absolute_timeout":"11m"}}`,
			[]auth.Client{changed("x", func(c *auth.Client) {
				c.AccessTokenLifetime, c.IdleTimeout, c.AbsoluteTimeout = time.Minute, 11*time.Minute, 11*time.Minute
				c.OpaqueTimeout = 11 * time.Minute
			})}},
		{"as long as can be", `{"` + strings.Repeat("x", 64) + `":{"access_token_lifetime":"1h","idle_timeout":"8760h","absolute_timeout":"8760h"}}`,
			[]auth.Client{changed(auth.ClientID(strings.Repeat("x", 64)), func(c *auth.Client) {
				c.AccessTokenLifetime, c.IdleTimeout, c.AbsoluteTimeout = time.Hour, 365*day, 365*day
				c.OpaqueTimeout = 365 * day
			})}},
	} {
		t.Run(row.name, func(t *testing.T) {
			document := `{}`
			if row.clients != "" {
				document = `{"clients":` + row.clients + `}`
			}
			s, err := start(config.New(good(t).with(variables{config.Config: document}).lookup), Options{}, functions["login"]...)
			if err != nil {
				t.Fatal(err)
			}
			want := endpoint.Clients{auth.DefaultClient: environmentClient}
			for _, c := range row.want {
				want[c.ID] = c
			}
			if got := s.Clients(); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestClientsRefused: an invalid client stops the start of login and of refresh, and the error
// names the path of the member.
func TestClientsRefused(t *testing.T) {
	const id = `a client id must have 1 to 64 printable ASCII characters`
	for _, row := range []struct{ clients, tells string }{
		{`[]`, `clients: `},
		{`"web"`, `clients: `},
		{`{"web":[]}`, `clients: "web": `},
		{`{"web":{},"web":{}}`, `duplicate name`},
		{`{"":{}}`, `clients: "": ` + id},
		{`{"a b":{}}`, `clients: "a b": ` + id},
		{`{"é":{}}`, `clients: "é": ` + id},
		{`{"` + strings.Repeat("x", 65) + `":{}}`, id},
		{`{"web":{"Profile":"strict"}}`, `clients: "web": "Profile": unknown member (want profile,`},
		{`{"web":{"profile":"lax"}}`, `clients: "web": "profile": unknown profile "lax"`},
		{`{"web":{"profile":1}}`, `clients: "web": "profile": `},
		{`{"web":{"access_token_lifetime":"59s"}}`, `clients: "web": "access_token_lifetime": want a duration from 1m0s to 1h0m0s`},
		{`{"web":{"access_token_lifetime":"61m"}}`, `clients: "web": "access_token_lifetime": want`},
		{`{"web":{"access_token_lifetime":900}}`, `clients: "web": "access_token_lifetime": `},
		{`{"web":{"idle_timeout":"0s"}}`, `clients: "web": "idle_timeout": want a duration above 0`},
		{`{"web":{"idle_timeout":"24m59s"}}`, `clients: "web": "idle_timeout": 24m59s is out of range (want at least 25m0s, which is the lifetime of an access token, 15m0s, and 10m0s more, and at most 8760h0m0s)`},
		{`{"web":{"access_token_lifetime":"1h","idle_timeout":"69m"}}`, `clients: "web": "idle_timeout": 1h9m0s is out of range (want at least 1h10m0s`},
		{`{"web":{"absolute_timeout":"24m"}}`, `clients: "web": "absolute_timeout": 24m0s is out of range`},
		{`{"web":{"absolute_timeout":"8761h"}}`, `clients: "web": "absolute_timeout": `},
		{`{"web":{"scope":"read"}}`, `clients: "web": "scope": `},
		{`{"web":{"scope":[]}}`, `clients: "web": "scope": the list is empty`},
		{`{"web":{"scope":["a b"]}}`, `clients: "web": "scope": entry 1 `},
		{`{"web":{"scope":["a","a\"b"]}}`, `clients: "web": "scope": entry 2 `},
		{`{"web":{"scope":["a","b","a"]}}`, `clients: "web": "scope": entry 3 `},
		{`{"web":{"scope":[""]}}`, `clients: "web": "scope": entry 1 `},
		{`{"web":{"scope":["` + strings.Repeat("x", 513) + `"]}}`, `clients: "web": "scope": the entries have more than 512 bytes`},
		{`{"web":{"audience":[]}}`, `clients: "web": "audience": the list is empty`},
		{`{"web":{"audience":["a","a"]}}`, `clients: "web": "audience": entry 2 `},
		{`{"web":{"audience":["a\tb"]}}`, `clients: "web": "audience": entry 1 `},
		{`{"web":{"audience":["` + strings.Repeat("x", 1025) + `"]}}`, `clients: "web": "audience": the entries have more than 1024 bytes`},
		{`{"web":{"delivery":"cookie"}}`, `clients: "web": "delivery": want a list of "body", "cookie", "cookies" and "session"`},
		{`{"web":{"delivery":[]}}`, `clients: "web": "delivery": want a list of "body", "cookie", "cookies" and "session", whose first entry is the default: the list is empty`},
		{`{"web":{"delivery":["body","query"]}}`, `clients: "web": "delivery": number 2: unknown delivery "query" (want body, cookie, cookies or session)`},
		{`{"web":{"delivery":["body","body"]}}`, `clients: "web": "delivery": entry 2, body, is unknown or repeated`},
		{`{"web":{"max_sessions":0}}`, `clients: "web": "max_sessions": want an integer from 1 to 100`},
		{`{"web":{"max_sessions":101}}`, `clients: "web": "max_sessions": want an integer from 1 to 100`},
		{`{"web":{"max_sessions":1.5}}`, `clients: "web": "max_sessions": want`},
		{`{"web":{"max_sessions":"3"}}`, `clients: "web": "max_sessions": want`},
		{`{"web":{"max_sessions":null}}`, `clients: "web": "max_sessions": want`},
		{`{"web":{"delivery":true}}`, `clients: "web": "delivery": `},
	} {
		for name, parts := range functions {
			_, err := start(config.New(good(t).with(variables{config.Config: `{"clients":` + row.clients + `}`}).lookup), Options{}, parts...)
			if err == nil || !strings.HasPrefix(err.Error(), config.Config) || !strings.Contains(err.Error(), row.tells) {
				t.Errorf("%s, %s: %v", name, row.clients, err)
			}
		}
	}
}

// TestClientsAgainstTheEnvironment: the lifetime of a client must fit the timeouts that it
// inherits, in every function that reads the timeouts.
func TestClientsAgainstTheEnvironment(t *testing.T) {
	given := good(t).with(variables{config.IdleTimeout: "30m", config.Config: `{"clients":{"web":{"access_token_lifetime":"1h"}}}`})
	if _, err := start(config.New(given.lookup), Options{}, functions["login"]...); err == nil || !strings.Contains(err.Error(), `clients: "web": "idle_timeout": 30m0s is out of range (want at least 1h10m0s`) {
		t.Errorf("login: %v", err)
	}
	s, err := start(config.New(given.lookup), Options{}, functions["refresh"]...)
	if err != nil || s.Clients()["web"].AccessTokenLifetime != time.Hour || !s.Clients().Has(auth.DefaultClient) {
		t.Errorf("refresh: %v", err)
	}
}

// TestClientsPage compares the page about clients with the code: its configuration starts every
// function that reads it.
func TestClientsPage(t *testing.T) {
	text, err := os.ReadFile("../../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		for name, parts := range functions {
			s, err := start(config.New(good(t).with(variables{config.Config: block[1]}).lookup), Options{}, parts...)
			if err != nil || !s.Clients().Has(auth.DefaultClient) {
				t.Errorf("%s: %s\n%v", name, block[1], err)
			}
		}
	}
	// The table has one line for every member that the reader knows, and no other line.
	err = readClient(`{"x":1}`, &auth.Client{})
	if err == nil {
		t.Fatal("a client has a member x")
	}
	_, known, _ := strings.Cut(err.Error(), "(want ")
	known = strings.TrimSuffix(known, ")")
	var listed []string
	for _, line := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(page, -1) {
		listed = append(listed, line[1])
	}
	if got := strings.Join(listed, ", "); got != known {
		t.Errorf("the page lists %s\nthe code knows %s", got, known)
	}
}
