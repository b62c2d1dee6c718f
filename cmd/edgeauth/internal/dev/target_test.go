package dev_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestRequestTargets sends requests whose target has no path. The authorizer and the routes with the
// session authorizer judge a path, so the upstream must not see another path.
func TestRequestTargets(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "upstream "+r.RequestURI)
	}))
	defer upstream.Close()
	api, _ := newAPI(t, upstream.URL)
	address := api.Listener.Addr().String()
	for target, want := range map[string]string{
		"/other":                         "200 upstream /other",
		"http://" + address + "/other":   "200 upstream /other",
		"x:http://" + address + "/other": "400 ",
		"http:other":                     "400 ",
		"x:%2Fother":                     "400 ",
		"http://" + address:              "400 ",
		"*":                              "400 ",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: "+address+"\r\nAuthorization: Bearer good\r\nConnection: close\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		body, _ := io.ReadAll(answer.Body)
		got := answer.Status[:4]
		if answer.StatusCode == http.StatusOK {
			got += string(body)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
		_ = c.Close()
	}
}
