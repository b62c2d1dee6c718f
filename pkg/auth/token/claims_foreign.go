package token

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/claim"
	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// parseForeign reads the claims of another issuer's token. The claims that every check uses must
// have the types of RFC 7519, sections 2 and 4.1: iss, sub, aud, exp, iat and nbf; a time may have
// a fraction. For the other claims of the profile, issuers use many forms: scope is an array, amr
// holds objects, auth_time is a text. A claim in another form counts as missing, so a rule that
// needs it refuses the token, and any other rule accepts it. null counts as missing too.
func (t *trusted) parseForeign(text string) (payload, error) {
	p := payload{words: make([]string, 0, 8)}
	optional := map[string]string{} // the raw values of the profile's other claims
	r := strictjson.Read(text)
	for r.Next() {
		name, raw := r.Name(), r.Raw()
		if raw == "null" {
			continue
		}
		var err error
		switch name {
		case claim.Issuer:
			p.Issuer, err = strictjson.String(raw)
		case claim.Subject:
			var subject string
			subject, err = strictjson.String(raw)
			p.Subject = auth.SubjectID(subject)
		case claim.Audience:
			p.Audience, err = anAudience(raw)
		case claim.Expires:
			p.Expires, err = numericDate(raw)
		case claim.NotBefore:
			p.notBefore, err = numericDate(raw)
		case claim.IssuedAt:
			p.IssuedAt, err = numericDate(raw)
		case claim.ID, claim.ClientID, claim.AuthTime, claim.Scope, claim.Roles, claim.AMR:
			optional[name] = raw
		case claim.SessionID, claim.TokenVersion: // must not be compared with local sessions and users
		default:
			if registered := misspelt(name, claimNames); registered != "" {
				return payload{}, refuseClaim(ReasonAmbiguousName, registered, registered, nil)
			}
			p.keep(name, raw, len(text))
		}
		if err != nil && r.Err() == nil { // invalid JSON ends the loop
			return payload{}, refuseClaim(ReasonInvalidClaim, name, name, err)
		}
	}
	if err := r.Err(); err != nil {
		return payload{}, malformed("payload", err)
	}
	for to, from := range t.mapped {
		delete(optional, to)
		if raw := p.Own[from]; raw != nil {
			optional[to] = string(raw)
		}
	}
	p.ID = identifier(optional[claim.ID])
	p.ClientID = auth.ClientID(identifier(optional[claim.ClientID]))
	p.AuthTime, _ = numericDate(optional[claim.AuthTime])
	p.Scope = scopeTokens(optional[claim.Scope])
	p.Roles = words(optional[claim.Roles], notInWord)
	p.AMR = words(optional[claim.AMR], notInWord)
	p.Foreign = true
	return p, nil
}

// anAudience reads a string or an array of strings.
func anAudience(raw string) ([]string, error) {
	if one, err := strictjson.String(raw); err == nil {
		return []string{one}, nil
	}
	return strictjson.Strings(raw)
}

// numericDate reads a NumericDate, which may have a fraction (RFC 7519, section 2).
func numericDate(raw string) (time.Time, error) {
	const year10000 = 253402300800
	seconds, err := strconv.ParseFloat(raw, 64)
	if err != nil || seconds < 0 || seconds >= year10000 {
		return time.Time{}, errTime
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}

// identifier returns the text of a string without control characters, or "".
func identifier(raw string) string {
	id, err := strictjson.String(raw)
	if err != nil || hasControl(id) {
		return ""
	}
	return id
}

// words returns the entries of an array of strings, or of a text with single spaces between them.
// It returns nil if an entry is empty or holds a forbidden character.
func words(raw string, forbidden func(rune) bool) []string {
	list, err := strictjson.Strings(raw)
	if err != nil {
		text, err := strictjson.String(raw)
		if err != nil {
			return nil
		}
		list = strings.Split(text, " ")
	}
	if len(list) == 0 || slices.ContainsFunc(list, func(w string) bool { return w == "" || strings.ContainsFunc(w, forbidden) }) {
		return nil
	}
	return list
}

func scopeTokens(raw string) []string { return words(raw, notInScope) }

// mappable holds the claims that may be read from another claim.
var mappable = []string{claim.Roles, claim.Scope, claim.ClientID}

func checkMap(from map[string]string) error {
	for _, to := range slices.Sorted(maps.Keys(from)) {
		if !slices.Contains(mappable, to) || from[to] == "" || isRegistered(from[to]) {
			return fmt.Errorf("Map must map roles, scope or client_id to private claims; it maps %q to %q", to, from[to])
		}
	}
	return nil
}

var errSpace = errors.New("must not begin or end with white space")
