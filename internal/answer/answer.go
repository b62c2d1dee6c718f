// Package answer writes the endpoints' answers, which are JSON and never stored by a cache.
package answer

import (
	"encoding/json"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/requestid"
)

// JSONType is the Content-Type of the answers.
const JSONType = "application/json"

// JSON answers with the status and body, which must be a value that json.Marshal takes.
func JSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil { // only strings, numbers and booleans are ever written
		status, raw = http.StatusInternalServerError, []byte(`{"error":"`+errorcode.ServerError+`"}`)
	}
	h := w.Header()
	h.Set("Content-Type", JSONType)
	// RFC 6749, section 5.1: both headers, for tokens must not be cached.
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
}

// Error answers r with the status, the error code of RFC 6749, section 5.2, and the id of r.
func Error(w http.ResponseWriter, r *http.Request, status int, code errorcode.Code) {
	JSON(w, status, struct {
		Error     errorcode.Code `json:"error"`
		RequestID string         `json:"request_id,omitempty"`
	}{code, requestid.Of(r)})
}
