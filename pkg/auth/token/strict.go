package token

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/edgeauth/edgeauth/internal/strictjson"
)

// segments holds the decoded header and payload of a JWS in compact serialization (RFC 7515,
// section 7.1).
type segments struct {
	header  string
	known   *header // the parsed header, if its text is a known one; header is empty then
	payload string  // not to be trusted before the signature is verified
}

// sealed is the input of signature verification.
type sealed struct {
	text      []byte // everything before the second dot
	signature []byte
}

// split decodes the three segments of a token. Each segment has exactly one accepted encoding: no
// padding, no other alphabet, no trailing bits that decoding would drop. A third dot is refused as
// part of the signature, because it is outside the alphabet.
//
// Header and payload share one string, and the claims are substrings of it. room is scratch space
// for the decoded bytes and is large enough for most tokens.
func split(text, room []byte, known []written) (segments, sealed, error) {
	if len(text) > MaxBytes {
		return segments{}, sealed{}, refuse(ReasonTooLong, "the token is longer than 8 KB", nil)
	}
	first := bytes.IndexByte(text, '.')
	second := first + 1 + bytes.IndexByte(text[first+1:], '.')
	if first < 0 || second == first {
		return segments{}, sealed{}, refuse(ReasonMalformed, "the token does not have three segments", nil)
	}
	s := segments{known: headerOf(text[:first], known)}
	encoded := text[:first]
	if s.known != nil {
		encoded = nil
	}
	head, err := appendDecoded(slices.Grow(room[:0], strictBase64.DecodedLen(len(text))), encoded)
	if err != nil {
		return segments{}, sealed{}, refuse(ReasonMalformed, "header", err)
	}
	body, err := appendDecoded(head, text[first+1:second])
	if err != nil {
		return segments{}, sealed{}, refuse(ReasonMalformed, "payload", err)
	}
	signature, err := appendDecoded(body, text[second+1:])
	if err != nil {
		return segments{}, sealed{}, refuse(ReasonMalformed, "signature", err)
	}
	json := string(body)
	s.header, s.payload = json[:len(head)], json[len(head):]
	return s, sealed{text[:second], signature[len(body):]}, nil
}

var strictBase64 = base64.RawURLEncoding.Strict()

var errBase64 = errors.New("not canonical base64url")

// appendDecoded decodes canonical base64url (RFC 7515, section 2). The strict mode of
// encoding/base64 refuses non-zero trailing bits but ignores CR and LF, which would make tokens
// malleable. The comparison of lengths refuses them.
func appendDecoded(to, text []byte) ([]byte, error) {
	decoded, err := strictBase64.AppendDecode(to, text)
	if err != nil || len(text)%4 == 1 || len(decoded)-len(to) != strictBase64.DecodedLen(len(text)) {
		return nil, errBase64
	}
	return decoded, nil
}

// written is a header of this issuer's tokens in base64url. Nearly all tokens share a few headers.
// A header with a known text does not need to be parsed again.
type written struct {
	text string
	says header
}

// writtenBy returns the headers of the tokens that the keys sign.
func writtenBy(keys Keys) (known []written) {
	set, _ := keys.(KeySet)
	for _, key := range set.keys {
		text := key.header()
		if h, err := parseHeader(text); err == nil { // a foreign kid may need escapes
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

// header holds the members of a JOSE header that are used (RFC 7515, section 4.1). Unknown members
// are ignored, as the RFC requires. Members that change what the signature covers or where the key
// comes from are refused.
type header struct {
	alg, kid, typ string
	certificate   bool // x5t or x5t#S256 is present
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
			// In a list of accepted types "" means a header without typ, so typ itself must not be
			// "".
			if h.typ = r.Text(); h.typ == "" && r.Err() == nil {
				return header{}, refuse(ReasonWrongType, "typ is empty", nil)
			}
		case "x5t", "x5t#S256":
			h.certificate = true
		case "crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "cty":
			// An embedded key is the attacker's key, and a key URL is the attacker's server (RFC
			// 8725, section 3.10). b64 changes which bytes are signed, crit changes their meaning,
			// zip and cty change how they are read.
			return header{}, refuse(ReasonForbiddenHeader, "the header has a member that access tokens must not have", nil)
		default:
			if misspelt(r.Name(), headerNames) != "" {
				return header{}, refuse(ReasonAmbiguousName, "header", nil)
			}
		}
	}
	if err := r.Err(); err != nil {
		return header{}, malformed("header", err)
	}
	return h, nil
}

// malformed refuses a segment that is not valid JSON or has a duplicate name.
func malformed(part string, err error) error {
	if errors.Is(err, strictjson.ErrDuplicate) {
		return refuse(ReasonAmbiguousName, part, err)
	}
	return refuse(ReasonMalformed, part, err)
}

// misspelt returns the registered name that differs from name only in case, or "". encoding/json
// and similar decoders treat the two as equal. They use Unicode case folding, by which U+017F
// equals s and U+212A equals k.
func misspelt(name string, registered []string) string {
	for _, r := range registered {
		if name != r && strings.EqualFold(name, r) {
			return r
		}
	}
	return ""
}
