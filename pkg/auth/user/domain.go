package user

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// domains maps a domain to its A-labels: UTS 46, non-transitional, with the bidi and joiner rules
// of RFC 5893 and RFC 5892. Browsers map the domain of an e-mail field in the same way.
var domains = idna.New(
	idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.VerifyDNSLength(true),
	// Existing domains have hyphens in the third and fourth place, and browsers permit them.
	idna.CheckHyphens(false),
)

var errAmbiguousDomain = errors.New("the A-label of the domain does not map to itself")

const acePrefix = "xn--"

// aLabels returns a domain in the form that has one spelling: A-labels in lower case, without the
// dot of the root.
func aLabels(domain string) (string, error) {
	text, err := strings.ToLower(domain), error(nil)
	if !plainDomain(domain) {
		// UTS 46 maps characters before it composes them. Equivalent texts must have one key, so
		// aLabels composes first.
		text, err = domains.ToASCII(norm.NFC.String(domain))
		// x/net/idna applies the bidi rule to letters before it maps them. An alef symbol (U+2135)
		// therefore passes, but the alef of its A-label does not.
		if again, errAgain := domains.ToASCII(text); err == nil && (errAgain != nil || again != text) {
			err = errAmbiguousDomain
		}
	}
	// The mapping has turned ideographic full stops into dots.
	text = strings.TrimSuffix(text, ".")
	if err != nil || text == "" || strings.HasSuffix(text, ".") {
		return "", fmt.Errorf("%w: the domain has no A-label (RFC 5890); it must be a domain name that DNS can hold", ErrEmail)
	}
	return text, nil
}

// plainDomain reports whether lowering the case is enough to get the A-labels of a domain.
func plainDomain(domain string) bool {
	for i := range len(domain) {
		if domain[i] >= utf8.RuneSelf {
			return false
		}
	}
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) >= len(acePrefix) && strings.EqualFold(label[:len(acePrefix)], acePrefix) {
			return false
		}
	}
	return true
}
