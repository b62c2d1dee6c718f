package claim

import (
	"bytes"
	"encoding/json"
)

// Encode returns v as the JSON that a token holds. json.Marshal would write "<", ">" and "&" as six bytes
// each, for pages of HTML.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
