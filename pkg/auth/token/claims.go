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

// claimNames holds the registered claim names of the profile. Every other name is a private claim.
var claimNames = claim.Registered()

// payload holds the claims of a token after parsing and before the issuer's rules are applied.
type payload struct {
	Claims
	notBefore time.Time // zero if the token has no nbf

	// All lists are sub-slices of words and all private claims are sub-slices of own. A token costs
	// two allocations, not one for each claim.
	words []string
	own   []byte
}

// parsePayload reads the claims in one pass and checks their JSON types and content. The issuer's
// rules check later which claims are present, the times, the issuer and the audience.
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
		case claim.TokenVersion:
			p.TokenVersion, err = readVersion(&r)
		default:
			if registered := misspelt(r.Name(), claimNames); registered != "" {
				return payload{}, refuseClaim(ReasonAmbiguousName, registered, registered, nil)
			}
			p.keep(r.Name(), r.Raw(), len(text))
		}
		switch wrong := r.Err(); { // invalid JSON ends the loop
		case wrong == nil && err == nil:
		case wrong == nil:
			return payload{}, refuseClaim(ReasonInvalidClaim, r.Name(), r.Name(), err)
		case errors.Is(wrong, strictjson.ErrType):
			return payload{}, refuseClaim(ReasonInvalidClaim, r.Name(), r.Name(), wrong)
		}
	}
	if err := r.Err(); err != nil {
		return payload{}, malformed("payload", err)
	}
	return p, nil
}

// keep copies a private claim into p.own. room is the capacity that holds all private claims of the
// token.
func (p *payload) keep(name, raw string, room int) {
	if p.Own == nil {
		p.Own = map[string]json.RawMessage{}
		p.own = make([]byte, 0, room)
	}
	begin := len(p.own)
	p.own = append(p.own, raw...)
	p.Own[name] = json.RawMessage(p.own[begin:len(p.own):len(p.own)])
}

// missing returns the name of the first required claim (RFC 9068, section 2.2) that is absent or
// empty, or "" if all are present.
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

// checkProfile applies the profile of this issuer's access tokens. Issue calls it too, so it never
// issues a token that Verify refuses.
func (p *payload) checkProfile() error {
	if name := p.missing(); name != "" {
		return refuseClaim(ReasonMissingClaim, name, name, nil)
	}
	// Validate is slow, and most subjects are short and plain ASCII.
	if len(p.Subject) > auth.MaxSubjectBytes || odd(string(p.Subject)) != "" {
		if err := p.Subject.Validate(); err != nil {
			return refuseClaim(ReasonInvalidClaim, claim.Subject, claim.Subject, err)
		}
	}
	return nil
}

var (
	errEmpty   = errors.New("empty")
	errTime    = errors.New("must be a time between the years 1970 and 9999")
	errVersion = errors.New("must be between 0 and 2^53-1")
	errControl = errors.New("must not hold a control character")
	errWord    = errors.New("every entry must be non-empty and hold no space or control character")
	errScope   = errors.New("must be scope tokens separated by single spaces")
)

// since returns the words from begin on, with no spare capacity: the next list is appended behind
// them.
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

// readTime reads a NumericDate of whole seconds (RFC 7519, section 2). The bounds keep the
// difference of two times from overflowing.
func readTime(r *strictjson.Reader) (time.Time, error) {
	const year10000 = 253402300800
	seconds := r.Integer()
	if seconds < 0 || seconds >= year10000 {
		return time.Time{}, errTime
	}
	return time.Unix(seconds, 0), nil
}

// maxVersion is the largest integer that every JSON parser reads exactly (RFC 8259, section 6).
const maxVersion = 1<<53 - 1

func readVersion(r *strictjson.Reader) (auth.TokenVersion, error) {
	n := r.Integer()
	if n < 0 || n > maxVersion {
		return auth.TokenVersion{}, errVersion
	}
	return auth.NewTokenVersion(uint64(n)), nil
}

// readID reads an identifier. Identifiers end up in headers and logs, where a line feed would start
// a forged line.
func readID(r *strictjson.Reader) (string, error) {
	id := r.Text()
	if hasControl(id) {
		return "", errControl
	}
	return id, nil
}

func hasControl(text string) bool { return strings.ContainsFunc(odd(text), unicode.IsControl) }

// odd returns the text from its first byte that is not visible ASCII on. The result is usually
// empty.
func odd(text string) string {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' {
			return text[i:]
		}
	}
	return ""
}

// readWords reads an array of strings that hold no space. The authorizer joins them with spaces for
// a backend, where the role "reader admin" would arrive as two roles.
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

// readScope reads scope = scope-token *( SP scope-token ). A scope-token consists of %x21, %x23-5B
// and %x5D-7E (RFC 6749, section 3.3).
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
