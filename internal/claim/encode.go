package claim

import (
	"bytes"
	"encoding/json"
)

// Encode returns v as JSON for a token. json.Marshal would escape "<", ">" and "&" for HTML, with
// six bytes each.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
