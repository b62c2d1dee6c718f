// Package answer writes the JSON answers of the endpoints. The answers must not be cached.
package answer

import (
	"encoding/json"
	"net/http"

	"github.com/edgeauth/edgeauth/internal/errorcode"
	"github.com/edgeauth/edgeauth/internal/requestid"
)

// JSONType is the Content-Type of the answers.
const JSONType = "application/json"

// JSON answers with the given status and body, which json.Marshal must accept.
func JSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil { // bodies consist of strings, numbers and booleans
		status, raw = http.StatusInternalServerError, []byte(`{"error":"`+errorcode.ServerError+`"}`)
	}
	h := w.Header()
	h.Set("Content-Type", JSONType)
	// RFC 6749, section 5.1, requires both headers, because tokens must not be cached.
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
