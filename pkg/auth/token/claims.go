package token

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// claimNames are the names that belong to the profile; every other name is the deployer's own.
var claimNames = claim.Registered()

// payload is a token's payload, well-formed but not yet judged.
type payload struct {
	Claims
	notBefore time.Time // zero where the token does not say

	// All lists are parts of words, and all own claims parts of own, so that a token costs two pieces of memory and
	// not one for each claim.
	words []string
	own   []byte
}

// parsePayload reads the claims in one pass. Their types and content are checked here; which of them must be there,
// times, issuer and audience by the issuer's rules.
func parsePayload(text string) (payload, error) {
	p := payload{words: make([]string, 0, 8)} // enough for most tokens
	r := strictjson.Read(text)
	for r.Next() {
		var err error
		switch r.Name() {
		case claim.Issuer:
			p.Issuer = r.Text()
		case claim.Subject:
			p.Subject = auth.SubjectID(r.Text())
		case claim.Audience:
			p.Audience, err = p.readAudience(&r)
		case claim.Expires:
			p.Expires, err = readTime(&r)
		case claim.NotBefore:
			p.notBefore, err = readTime(&r)
		case claim.IssuedAt:
			p.IssuedAt, err = readTime(&r)
		case claim.ID:
			p.ID, err = readID(&r)
		case claim.ClientID:
			var id string
			id, err = readID(&r)
			p.ClientID = auth.ClientID(id)
		case claim.SessionID:
			if p.SessionID, err = readID(&r); p.SessionID == "" && err == nil {
				err = errEmpty
			}
		case claim.AuthTime:
			p.AuthTime, err = readTime(&r)
		case claim.Scope:
			p.Scope, err = p.readScope(&r)
		case claim.Roles:
			p.Roles, err = p.readWords(&r)
		case claim.AMR:
			p.AMR, err = p.readWords(&r)
		default:
			if registered := misspelt(r.Name(), claimNames); registered != "" {
				return payload{}, refuse(AmbiguousName, registered, nil)
			}
			p.keep(r.Name(), r.Raw(), len(text))
		}
		switch wrong := r.Err(); { // what is no JSON at all ends the loop
		case wrong == nil && err == nil:
		case wrong == nil:
			return payload{}, refuse(InvalidClaim, r.Name(), err)
		case errors.Is(wrong, strictjson.ErrType):
			return payload{}, refuse(InvalidClaim, r.Name(), wrong) // the name is one of the profile's
		}
	}
	if err := r.Err(); err != nil {
		return payload{}, malformed("payload", err)
	}
	return p, nil
}

// keep puts an own claim aside. room bytes are enough for all of them.
func (p *payload) keep(name, raw string, room int) {
	if p.Own == nil {
		p.Own = map[string]json.RawMessage{}
		p.own = make([]byte, 0, room)
	}
	begin := len(p.own)
	p.own = append(p.own, raw...)
	p.Own[name] = json.RawMessage(p.own[begin:len(p.own):len(p.own)])
}

// missing returns the name of a required claim (RFC 9068, section 2.2) that is not there or empty, or "".
func (p *payload) missing() string {
	switch {
	case p.Issuer == "":
		return claim.Issuer
	case p.Expires.IsZero():
		return claim.Expires
	case len(p.Audience) == 0:
		return claim.Audience
	case p.Subject == "":
		return claim.Subject
	case p.ClientID == "":
		return claim.ClientID
	case p.IssuedAt.IsZero():
		return claim.IssuedAt
	case p.ID == "":
		return claim.ID
	}
	return ""
}

// checkProfile holds a payload to the profile of our own tokens. The Issuer does too, so that nothing is issued that
// no verifier would take.
func (p *payload) checkProfile() error {
	if name := p.missing(); name != "" {
		return refuse(MissingClaim, name, nil)
	}
	if len(p.Subject) > auth.MaxSubjectBytes || odd(string(p.Subject)) != "" { // few are, and it looks at every rune
		if err := p.Subject.Validate(); err != nil {
			return refuse(InvalidClaim, claim.Subject, err)
		}
	}
	return nil
}

var (
	errEmpty   = errors.New("empty")
	errTime    = errors.New("not between the years 1970 and 9999")
	errControl = errors.New("it holds a control character")
	errWord    = errors.New("an entry is empty or holds space or a control character")
	errScope   = errors.New("not scope tokens with one space between them")
)

// since returns the words from begin on, without the room behind them, which is for the next list.
func (p *payload) since(begin int) []string { return p.words[begin:len(p.words):len(p.words)] }

// readAudience reads a string or an array of strings (RFC 7519, section 4.1.3).
func (p *payload) readAudience(r *strictjson.Reader) ([]string, error) {
	if r.IsArray() {
		return p.readList(r, func(a string) error {
			if a == "" {
				return errEmpty
			}
			return nil
		})
	}
	begin := len(p.words)
	if one := r.Text(); one != "" {
		p.words = append(p.words, one)
	}
	return p.since(begin), nil
}

// readTime reads a NumericDate of whole seconds (RFC 7519, section 2). The bounds keep differences of two times
// from overflowing.
func readTime(r *strictjson.Reader) (time.Time, error) {
	const year10000 = 253402300800
	seconds := r.Integer()
	if seconds < 0 || seconds >= year10000 {
		return time.Time{}, errTime
	}
	return time.Unix(seconds, 0), nil
}

// readID reads an identifier, which ends up in headers and logs, where a line feed would begin another line.
func readID(r *strictjson.Reader) (string, error) {
	id := r.Text()
	if hasControl(id) {
		return "", errControl
	}
	return id, nil
}

func hasControl(text string) bool { return strings.ContainsFunc(odd(text), unicode.IsControl) }

// odd returns what is left of a text from its first byte on that is not a visible one of ASCII: mostly nothing.
func odd(text string) string {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' {
			return text[i:]
		}
	}
	return ""
}

// readWords reads an array of strings that stay apart when a backend gets them joined by spaces: a role
// "reader admin" would arrive as two.
func (p *payload) readWords(r *strictjson.Reader) ([]string, error) {
	return p.readList(r, func(w string) error {
		if w == "" || strings.ContainsFunc(odd(w), notInWord) {
			return errWord
		}
		return nil
	})
}

func (p *payload) readList(r *strictjson.Reader, check func(string) error) ([]string, error) {
	begin := len(p.words)
	p.words = r.Strings(p.words)
	list := p.since(begin)
	for _, element := range list {
		if err := check(element); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// readScope reads scope = scope-token *( SP scope-token ), with a scope-token of %x21 / %x23-5B / %x5D-7E
// (RFC 6749, section 3.3).
func (p *payload) readScope(r *strictjson.Reader) ([]string, error) {
	begin := len(p.words)
	for token := range strings.SplitSeq(r.Text(), " ") {
		if token == "" || strings.ContainsFunc(token, notInScope) {
			return nil, errScope
		}
		p.words = append(p.words, token)
	}
	return p.since(begin), nil
}

func notInScope(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }

func notInWord(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
