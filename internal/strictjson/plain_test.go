package strictjson_test

import (
	"bytes"
	"testing"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// TestIsPlain puts every byte value at every offset of texts of every length up to several loop
// steps.
func TestIsPlain(t *testing.T) {
	for length := range 80 {
		text := bytes.Repeat([]byte(" "), length)
		if !strictjson.IsPlain(text) {
			t.Errorf("%d spaces are not", length)
		}
		for at := range text {
			for c := range 256 {
				text[at] = byte(c)
				if got, want := strictjson.IsPlain(text), ' ' <= c && c < 0x80; got != want {
					t.Fatalf("%q: %v", text, got)
				}
			}
			text[at] = '~'
		}
	}
}
