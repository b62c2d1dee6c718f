package dev

import (
	"encoding/json"
	"net/http"
	"strings"
)

// A script sees neither the cookies of edgeauth nor their sizes. So the page sends measureHeader,
// and the local server returns the bytes that it received and the cookies that it set. A page of
// another origin cannot send measureHeader, because CORS does not allow this header.
const (
	measureHeader  = "Edgeauth-Measure"
	receivedHeader = "Edgeauth-Received"
	setHeader      = "Edgeauth-Set"
)

// measureRequest counts the bytes of the header lines of a request that carry tokens, if the request
// asks for it. It must see the names of cookies that the browser has.
func measureRequest(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(measureHeader) == "" {
		return
	}
	counted := map[string]int{}
	for _, value := range r.Header["Authorization"] {
		counted["Authorization"] += len("Authorization: \r\n") + len(value)
	}
	for _, line := range r.Header["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			cookie = strings.TrimSpace(cookie)
			name, _, _ := strings.Cut(cookie, "=")
			counted[name] += len(cookie) + len("; ")
		}
	}
	tell(w, receivedHeader, counted)
}

// measureAnswer counts the bytes of the Set-Cookie header lines of an answer.
func measureAnswer(w http.ResponseWriter, r *http.Request, lines []string) {
	if r.Header.Get(measureHeader) == "" {
		return
	}
	counted := map[string]int{}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		counted[name] += len("Set-Cookie: \r\n") + len(line)
	}
	tell(w, setHeader, counted)
}

func tell(w http.ResponseWriter, header string, counted map[string]int) {
	raw, _ := json.Marshal(counted) // cannot fail: names and numbers
	w.Header().Set(header, string(raw))
}
