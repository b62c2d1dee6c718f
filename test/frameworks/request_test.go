package frameworks_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// send sends one request byte by byte, as no client library would, and returns the name of the
// handler that ran, or "". A server may refuse a request by closing the connection.
func send(t *testing.T, address string, a attempt, token string) (ran string) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString(a.method + " " + strings.ReplaceAll(a.target, "AUTHORITY", address) + " HTTP/1.1\r\n")
	text.WriteString("Host: " + address + "\r\nConnection: close\r\nContent-Length: 0\r\n")
	if token != "" {
		text.WriteString("Authorization: Bearer " + token + "\r\n")
	}
	if a.header != "" {
		text.WriteString(a.header + "\r\n")
	}
	if _, err := connection.Write([]byte(text.String() + "\r\n")); err != nil {
		return unlessSlow(t, a, err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: a.method})
	if err != nil {
		return unlessSlow(t, a, err)
	}
	_ = answer.Body.Close()
	return answer.Header.Get("X-Ran")
}

// unlessSlow treats an error of the connection as a refusal, but not a timeout.
func unlessSlow(t *testing.T, a attempt, err error) string {
	t.Helper()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%s: no answer", a)
	}
	return ""
}
