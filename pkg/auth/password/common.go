package password

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"io"
	"strings"
	"sync"
)

// commonDeflated are the 10,000 most common passwords that are long enough for CheckNew: NOTICE tells their source,
// testdata/common_passwords.py made them. Each stands in lower case between two line feeds.
//
//go:embed common_passwords.deflate
var commonDeflated []byte

// commonPasswords is read at the first new password: a login has no use for it, and a start should cost nothing.
var commonPasswords = sync.OnceValue(func() string {
	// An error would be that of a broken build, which a test finds.
	text, _ := io.ReadAll(flate.NewReader(bytes.NewReader(commonDeflated)))
	return string(text)
})

// isCommon reports whether text, in NFC, is on the list in any case.
func isCommon(text string) bool {
	return !strings.Contains(text, "\n") && strings.Contains(commonPasswords(), "\n"+strings.ToLower(text)+"\n")
}
