package password

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"io"
	"strings"
	"sync"
)

// commonDeflated are the 10,000 most common passwords among those that are long enough for
// CheckNew. NOTICE names their source; testdata/common_passwords.py made the file. Each password is
// in lower case, between two line feeds.
//
//go:embed common_passwords.deflate
var commonDeflated []byte

// commonPasswords is inflated at the first new password: a login does not need the list, and the
// start should cost nothing.
var commonPasswords = sync.OnceValue(func() string {
	// Only a broken build can cause an error here, and a test finds that.
	text, _ := io.ReadAll(flate.NewReader(bytes.NewReader(commonDeflated)))
	return string(text)
})

// isCommon reports whether text is on the list in upper or lower case. text must be in NFC.
func isCommon(text string) bool {
	return !strings.Contains(text, "\n") && strings.Contains(commonPasswords(), "\n"+strings.ToLower(text)+"\n")
}
