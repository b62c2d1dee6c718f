package token

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
)

// segments are the parts of a JWS in compact serialization (RFC 7515, section 7.1), as JSON.
type segments struct {
	header  string
	payload string // to be trusted once the signature is known to be good
}

// sealed is what a key verifies.
type sealed struct {
	text      []byte // everything before the second dot
	signature []byte
}

// split takes a text apart. Each segment has one spelling only: no padding, no other alphabet, no bits that decoding
// would drop. A third dot is outside the alphabet, and so is refused with the signature it would stand in.
//
// Two pieces of memory hold all that it returns: the bytes of the text with the decoded ones behind them, for which room
// is enough as a rule, and the JSON as one string, of which the claims are parts.
func split(text string, room []byte) (segments, sealed, error) {
	if len(text) > MaxBytes {
		return segments{}, sealed{}, refuse(TooLong, "it is longer than 8 KB", nil)
	}
	first := strings.IndexByte(text, '.')
	second := first + 1 + strings.IndexByte(text[first+1:], '.')
	if first < 0 || second == first {
		return segments{}, sealed{}, refuse(Malformed, "it is not three segments", nil)
	}
	whole := append(slices.Grow(room[:0], len(text)+strictBase64.DecodedLen(len(text))), text...)
	header, err := appendDecoded(whole, text[:first])
	if err != nil {
		return segments{}, sealed{}, refuse(Malformed, "header", err)
	}
	payload, err := appendDecoded(header, text[first+1:second])
	if err != nil {
		return segments{}, sealed{}, refuse(Malformed, "payload", err)
	}
	signature, err := appendDecoded(payload, text[second+1:])
	if err != nil {
		return segments{}, sealed{}, refuse(Malformed, "signature", err)
	}
	json := string(payload[len(whole):])
	body := len(header) - len(whole)
	return segments{json[:body], json[body:]}, sealed{whole[:second], signature[len(payload):]}, nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

var errBase64 = errors.New("not base64url in its only spelling")

// appendDecoded reads base64url as RFC 7515, section 2, writes it. encoding/base64 refuses non-zero trailing bits
// when strict, but still steps over CR and LF, with which one token would have endless spellings.
func appendDecoded(to []byte, text string) ([]byte, error) {
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return nil, errBase64
	}
	decoded, err := strictBase64.AppendDecode(to, []byte(text)) // which copies nothing
	if err != nil {
		return nil, errBase64
	}
	return decoded, nil
}

// header is what is read of a JOSE header (RFC 7515, section 4.1). Members that it does not name are ignored, as
// the RFC demands, but for those that would change what the signature means or where its key comes from.
type header struct {
	alg, kid, typ string
	certificate   bool // x5t or x5t#S256 is there
}

var headerNames = []string{
	"alg", "kid", "typ",
	"crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "cty",
}

func parseHeader(text string) (header, error) {
	var h header
	r := strictjson.Read(text)
	for r.Next() {
		switch r.Name() {
		case "alg":
			h.alg = r.Text()
		case "kid":
			h.kid = r.Text()
		case "typ":
			// "" in a list of accepted types stands for a header without typ, so a typ must not say it.
			if h.typ = r.Text(); h.typ == "" && r.Err() == nil {
				return header{}, refuse(WrongType, "typ is empty", nil)
			}
		case "x5t", "x5t#S256":
			h.certificate = true
		case "crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "cty":
			// A key in a token is the attacker's key, its address the attacker's server (RFC 8725, section 3.10);
			// b64 changes what is signed, crit what it means, zip and cty what is read.
			return header{}, refuse(ForbiddenHeader, "a header names what no access token needs", nil)
		default:
			if misspelt(r.Name(), headerNames) != "" {
				return header{}, refuse(AmbiguousName, "header", nil)
			}
		}
	}
	if err := r.Err(); err != nil {
		return header{}, malformed("header", err)
	}
	return h, nil
}

// malformed refuses a part that is no JSON, or JSON with two readings.
func malformed(part string, err error) error {
	if errors.Is(err, strictjson.ErrDuplicate) {
		return refuse(AmbiguousName, part, err)
	}
	return refuse(Malformed, part, err)
}

// misspelt returns the registered name that name is another case of, or "". encoding/json and libraries like it
// would read one for the other, by Unicode's folding too: U+017F is an s to them and U+212A a k.
func misspelt(name string, registered []string) string {
	for _, r := range registered {
		if name != r && strings.EqualFold(name, r) {
			return r
		}
	}
	return ""
}
