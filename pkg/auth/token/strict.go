package token

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// segments are the parts of a JWS in compact serialization (RFC 7515, section 7.1), as JSON.
type segments struct {
	header  string
	known   *header // what the header says, where its text is a known one; the header is empty then
	payload string  // to be trusted once the signature is known to be good
}

// sealed is what a key verifies.
type sealed struct {
	text      []byte // everything before the second dot
	signature []byte
}

// split takes a text apart. Each segment has one spelling only: no padding, no other alphabet, no bits that decoding
// would drop. A third dot is outside the alphabet, and so is refused with the signature it would stand in.
//
// The JSON is one string, of which the claims are parts. The decoded bytes stand in room, which is enough as a rule.
func split(text, room []byte, known []written) (segments, sealed, error) {
	if len(text) > MaxBytes {
		return segments{}, sealed{}, refuse(TooLong, "it is longer than 8 KB", nil)
	}
	first := bytes.IndexByte(text, '.')
	second := first + 1 + bytes.IndexByte(text[first+1:], '.')
	if first < 0 || second == first {
		return segments{}, sealed{}, refuse(Malformed, "it is not three segments", nil)
	}
	s := segments{known: headerOf(text[:first], known)}
	encoded := text[:first]
	if s.known != nil {
		encoded = nil
	}
	head, err := appendDecoded(slices.Grow(room[:0], strictBase64.DecodedLen(len(text))), encoded)
	if err != nil {
		return segments{}, sealed{}, refuse(Malformed, "header", err)
	}
	body, err := appendDecoded(head, text[first+1:second])
	if err != nil {
		return segments{}, sealed{}, refuse(Malformed, "payload", err)
	}
	signature, err := appendDecoded(body, text[second+1:])
	if err != nil {
		return segments{}, sealed{}, refuse(Malformed, "signature", err)
	}
	json := string(body)
	s.header, s.payload = json[:len(head)], json[len(head):]
	return s, sealed{text[:second], signature[len(body):]}, nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

var errBase64 = errors.New("not base64url in its only spelling")

// appendDecoded reads base64url as RFC 7515, section 2, writes it. encoding/base64 refuses non-zero trailing bits
// when strict, but still steps over CR and LF, with which one token would have endless spellings. They leave a text
// longer than what it decodes to, or as long as no text is.
func appendDecoded(to, text []byte) ([]byte, error) {
	decoded, err := strictBase64.AppendDecode(to, text)
	if err != nil || len(text)%4 == 1 || len(decoded)-len(to) != strictBase64.DecodedLen(len(text)) {
		return nil, errBase64
	}
	return decoded, nil
}

// written is a header as our own tokens carry it, in base64url. Nearly every token has one of a few, which need not be
// read each time: the same text says the same.
type written struct {
	text string
	says header
}

// writtenBy returns the headers of the tokens that these keys sign.
func writtenBy(keys Keys) (known []written) {
	set, _ := keys.(KeySet)
	for _, key := range set.keys {
		text := key.header()
		if h, err := parseHeader(text); err == nil { // a kid of another's making may need escapes
			known = append(known, written{strictBase64.EncodeToString([]byte(text)), h})
		}
	}
	return known
}

func headerOf(text []byte, known []written) *header {
	for i := range known {
		if string(text) == known[i].text {
			return &known[i].says
		}
	}
	return nil
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

func (s *segments) parseHeader() (header, error) {
	if s.known != nil {
		return *s.known, nil
	}
	return parseHeader(s.header)
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
