package dev

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestMeasure: if a request has the measure header, the answer has the bytes of its tokens, with
// the names that the browser has. Other answers do not, and no answer repeats a token.
func TestMeasure(t *testing.T) {
	l, _, _, err := serveOptions(t, Options{})
	if err != nil {
		t.Fatal(err)
	}
	asked := http.Header{measureHeader: {"1"}, "Authorization": {"Bearer x"}, "Cookie": {"edgeauth-refresh=abc; other=1"}}
	w := ask(l, "GET", "/me", "", asked)
	if got, want := w.Header().Get(receivedHeader), `{"Authorization":25,"edgeauth-refresh":22,"other":9}`; got != want {
		t.Errorf("%s: %s, want %s", receivedHeader, got, want)
	}
	answer := httptest.NewRecorder()
	measureAnswer(answer, &http.Request{Header: asked}, []string{"edgeauth-refresh=secret; Path=/; HttpOnly"})
	if got, want := answer.Header().Get(setHeader), `{"edgeauth-refresh":55}`; got != want {
		t.Errorf("%s: %s, want %s", setHeader, got, want)
	}
	asked.Del(measureHeader)
	if w := ask(l, "GET", "/me", "", asked); w.Header().Get(receivedHeader) != "" {
		t.Errorf("an answer has %s, which nothing asked for", receivedHeader)
	}
}
