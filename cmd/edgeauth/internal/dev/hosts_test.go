package dev

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestNewHosts(t *testing.T) {
	for name, good := range map[string]bool{
		"edgeauth": true, "edge_auth": true, "my-laptop.local": true, "192.168.1.5": true, "fd00::1": true, "a": true,
		"": false, "edgeauth:8080": false, "http://edgeauth": false, "EdgeAuth": false, "*": false, "*.example.com": false, "a.": false, "-a": false, "[fd00::1]": false, "a b": false,
	} {
		if _, err := NewHosts([]string{name}); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestOnlyNamedHosts: besides loopback, the server answers for the named hosts, on every port.
func TestOnlyNamedHosts(t *testing.T) {
	l, _, _, err := serveOptions(t, Options{Hosts: Hosts{"edgeauth", "192.168.1.5", "fd00::1"}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"edgeauth": 401, "edgeauth:8080": 401, "192.168.1.5:1": 401, "[fd00::1]:8080": 401, "[fd00::1]": 401, "localhost:8080": 401, "127.0.0.1": 401,
		"": 421, "evil.example": 421, "edgeauth.evil.example": 421, "192.168.1.6": 421, "edgeauth.": 421, "x@edgeauth": 421, "edgeauth:80:80": 421,
	} {
		w := ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.Host = host; l.ServeHTTP(w, r) }), "GET", "/me", "", nil)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
}

func TestSite(t *testing.T) {
	const lan = "192.168.1.5"
	for _, row := range []struct {
		listens, addr string // addr is --addr
		o             Options
		url, issuer   string
		hosts         string // separated by spaces
		err           string
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", Options{}, "http://127.0.0.1:8080", "http://127.0.0.1:8080", "", ""},
		{"127.0.0.1:8080", "localhost:8080", Options{}, "http://127.0.0.1:8080", "http://127.0.0.1:8080", "", ""},
		{"[::1]:8080", "[::1]:8080", Options{}, "http://[::1]:8080", "http://[::1]:8080", "", ""},
		{"127.0.0.1:8443", "127.0.0.1:8443", Options{TLS: TLS{On: true}}, "https://127.0.0.1:8443", "https://127.0.0.1:8443", "", ""},
		{"127.0.0.1:8080", "127.0.0.1:8080", Options{Issuer: "https://auth.example.com"}, "http://127.0.0.1:8080", "https://auth.example.com", "auth.example.com", ""},
		{"127.0.0.1:8080", "127.0.0.1:8080", Options{Issuer: "http://localhost:8080"}, "http://127.0.0.1:8080", "http://localhost:8080", "", ""},
		{"[::]:8080", "0.0.0.0:8080", Options{Hosts: Hosts{"edgeauth"}}, "http://127.0.0.1:8080", "http://127.0.0.1:8080", "edgeauth", ""},
		{"[::]:8080", ":8080", Options{Hosts: Hosts{"edgeauth", lan}}, "http://127.0.0.1:8080", "http://127.0.0.1:8080", "edgeauth " + lan, ""},
		{"[::]:8443", ":8443", Options{Hosts: Hosts{"edgeauth"}, TLS: TLS{On: true}, Issuer: "https://edgeauth:8443"},
			"https://127.0.0.1:8443", "https://edgeauth:8443", "edgeauth", ""},
		{lan + ":8080", lan + ":8080", Options{}, "http://" + lan + ":8080", "http://127.0.0.1:8080", lan, ""},
		{lan + ":8443", lan + ":8443", Options{TLS: TLS{On: true}}, "https://" + lan + ":8443", "https://" + lan + ":8443", lan, ""},
		{lan + ":8080", "MyLaptop:8080", Options{}, "http://" + lan + ":8080", "http://127.0.0.1:8080", "mylaptop", ""},

		{"[::]:8080", "0.0.0.0:8080", Options{}, "", "", "", `--addr "0.0.0.0:8080" is reachable from other machines`},
		{"[::]:8080", ":8080", Options{}, "", "", "", "--host"},
		{"127.0.0.1:8080", "127.0.0.1:8080", Options{Issuer: "http://auth.example.com"}, "", "", "", `--issuer "http://auth.example.com" is not an https URL`},
		{"127.0.0.1:8080", "127.0.0.1:8080", Options{Issuer: "auth"}, "", "", "", `--issuer "auth" is not a URL with a host`},
	} {
		at, err := net.ResolveTCPAddr("tcp", row.listens)
		if err != nil {
			t.Fatal(err)
		}
		row.o.Addr = row.addr
		got, err := row.o.site(at)
		if row.err != "" {
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%s: %+v, %v", row.addr, got, err)
			}
			continue
		}
		if err != nil || got.url != row.url || got.issuer != row.issuer || !slices.Equal(got.hosts, strings.Fields(row.hosts)) {
			t.Errorf("%s %+v: %+v, %v", row.addr, row.o, got, err)
		}
	}
}
