package endpoint

import (
	"net/http"
	"strconv"
	"strings"
)

// maxLocaleBytes bounds a language tag. RFC 5646, section 4.4.1, requires support for at least 35
// characters.
const maxLocaleBytes = 35

// locale returns the language tag that the header Accept-Language prefers (RFC 9110, section
// 12.5.4), or "" if the header is missing. It ignores texts that are not language tags, because the
// result goes into a message.
func locale(r *http.Request) (best string) {
	top := 0.0
	for list := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Language"), ","), ",") {
		tag, weight, weighted := strings.Cut(list, ";")
		q := 1.0
		if weighted {
			text, _ := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			var err error
			if q, err = strconv.ParseFloat(text, 64); err != nil || q > 1 {
				continue
			}
		}
		if tag = strings.TrimSpace(tag); q > top && isLanguageTag(tag) {
			best, top = tag, q
		}
	}
	return best
}

// isLanguageTag reports whether text has the characters of a language tag (RFC 5646, section 2.1).
func isLanguageTag(text string) bool {
	outside := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-')
	}
	return text != "" && len(text) <= maxLocaleBytes && !strings.ContainsFunc(text, outside)
}
