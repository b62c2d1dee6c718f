package token

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/edgeauth/edgeauth/pkg/auth/strictjson"
)

// segments are the parts of a JWS in compact serialization (RFC 7515, section 7.1).
type segments struct {
	signed    string // the text under the signature: everything before the second dot
	header    string // JSON
	payload   string // JSON, to be read once the signature is known to be good
	signature []byte
}

// split takes a text apart. Each segment has one spelling only: no padding, no other alphabet, no bits that decoding
// would drop. A third dot is outside the alphabet, and so is refused with the signature it would stand in.
func split(text string) (segments, error) {
	if len(text) > MaxBytes {
		return segments{}, refuse(TooLong, "it is longer than 8 KB", nil)
	}
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, found := strings.Cut(rest, ".")
	if !found {
		return segments{}, refuse(Malformed, "it is not three segments", nil)
	}
	s := segments{signed: text[:len(header)+1+len(payload)]}
	var decoded []byte
	var err error
	if decoded, err = decode(header); err != nil {
		return segments{}, refuse(Malformed, "header", err)
	}
	s.header = string(decoded)
	if decoded, err = decode(payload); err != nil {
		return segments{}, refuse(Malformed, "payload", err)
	}
	s.payload = string(decoded)
	if s.signature, err = decode(signature); err != nil {
		return segments{}, refuse(Malformed, "signature", err)
	}
	return s, nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

var errBase64 = errors.New("not base64url in its only spelling")

// decode reads base64url as RFC 7515, section 2, writes it. encoding/base64 refuses non-zero trailing bits when
// strict, but still steps over CR and LF, with which one token would have endless spellings.
func decode(text string) ([]byte, error) {
	if strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return nil, errBase64
	}
	decoded, err := strictBase64.DecodeString(text)
	if err != nil {
		return nil, errBase64
	}
	return decoded, nil
}

// header is what is read of a JOSE header (RFC 7515, section 4.1). Members that it does not name are ignored, as
// the RFC demands, but for those that would change what the signature means or where its key comes from.
type header struct{ alg, kid string }

var headerNames = []string{
	"alg", "kid", "typ",
	"crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "cty",
}

func parseHeader(text string) (header, error) {
	members, err := parseObject("header", text)
	if err != nil {
		return header{}, err
	}
	var h header
	var typ string
	for _, m := range members {
		var into *string
		switch m.Name {
		case "alg":
			into = &h.alg
		case "kid":
			into = &h.kid
		case "typ":
			into = &typ
		case "crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "cty":
			// A key in a token is the attacker's key, its address the attacker's server (RFC 8725, section 3.10);
			// b64 changes what is signed, crit what it means, zip and cty what is read.
			return header{}, refuse(ForbiddenHeader, "a header names what no access token needs", nil)
		default:
			if misspelt(m.Name, headerNames) != "" {
				return header{}, refuse(AmbiguousName, "header", nil)
			}
			continue
		}
		if *into, err = strictjson.String(m.Raw); err != nil {
			return header{}, refuse(Malformed, "header", err)
		}
	}
	if typ != Type {
		// An ID token or any other JWT under the same key must not pass for an access token (RFC 8725, section 3.11).
		return header{}, refuse(WrongType, "typ is not at+jwt", nil)
	}
	return h, nil
}

func parseObject(part, text string) ([]strictjson.Member, error) {
	members, err := strictjson.Members(text)
	switch {
	case errors.Is(err, strictjson.ErrDuplicate):
		return nil, refuse(AmbiguousName, part, err)
	case err != nil:
		return nil, refuse(Malformed, part, err)
	}
	return members, nil
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
