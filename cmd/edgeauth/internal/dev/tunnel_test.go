package dev_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestOnlyWebSocketsTunnel sends requests to change the protocol to an upstream that accepts each
// of them. After a change of the protocol, the authorizer checks no further request: a client could
// send its own X-Edgeauth-Sub.
func TestOnlyWebSocketsTunnel(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol := r.Header.Get("Upgrade")
		if protocol == "" {
			fmt.Fprint(w, "no upgrade")
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocol)
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		fmt.Fprintf(rw, "tunnel: %s", line)
		_ = rw.Flush()
	}))
	defer behind.Close()
	api, _ := newAPI(t, behind.URL)
	for _, row := range []struct {
		upgrade string // the header lines
		tunnels bool
	}{
		{"Connection: Upgrade\r\nUpgrade: websocket", true},
		{"Connection: upgrade\r\nUpgrade: WebSocket", true},
		{"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", false},
		{"Connection: Upgrade\r\nUpgrade: websocket, h2c", false},
		{"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c", false},
		{"Connection: Upgrade\r\nUpgrade: TLS/1.2", false},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(api.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /orders HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer good\r\n%s\r\n\r\n", row.upgrade)
		in := bufio.NewReader(conn)
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tunnels := answer.StatusCode == http.StatusSwitchingProtocols; tunnels != row.tunnels {
			t.Errorf("%q: %s", row.upgrade, answer.Status)
		}
		if row.tunnels {
			fmt.Fprint(conn, "hello\n")
			if line, _ := in.ReadString('\n'); line != "tunnel: hello\n" {
				t.Errorf("%q: the tunnel says %q", row.upgrade, line)
			}
		}
		_ = conn.Close()
	}
}
