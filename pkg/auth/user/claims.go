package user

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/edgeauth/edgeauth/internal/claim"
)

const (
	// maxClaimsBytes bounds a user's own claims as JSON, because every token carries them on every
	// request.
	maxClaimsBytes = 1024
	// maxClaimsDepth bounds the nesting of objects and arrays, the outermost object included.
	// Verifiers refuse deeper nesting.
	maxClaimsDepth = 8
	// maxExact bounds the range in which a float64 represents every whole number exactly (RFC 8259,
	// section 6).
	maxExact = 1 << 53
)

// registeredClaims are the claim names that the issuer sets. They are refused in any case: a
// verifier that ignores case would confuse another spelling with the registered claim.
var registeredClaims = claim.Registered()

// checkClaims refuses claims that the issuer would refuse at every login, and claims that a store
// would return with a different value. The error contains no value.
func checkClaims(claims map[string]any) error {
	for name := range claims {
		if slices.ContainsFunc(registeredClaims, func(r string) bool { return strings.EqualFold(name, r) }) {
			return fmt.Errorf("%w: the issuer sets the claim %q", errClaims, name)
		}
	}
	if err := checkNames(claims); err != nil {
		return err
	}
	if err := checkValue(claims, 0); err != nil {
		return err
	}
	raw, err := claim.Encode(claims)
	if err != nil {
		return fmt.Errorf("%w: not JSON", errClaims)
	}
	if len(raw) > maxClaimsBytes {
		return fmt.Errorf("%w: %d bytes of JSON (want at most %d)", errClaims, len(raw), maxClaimsBytes)
	}
	return nil
}

// checkNames refuses names that a reader may confuse. A decoder that ignores case would merge two
// names. A JavaScript object that is built from the claims would get another prototype from
// "__proto__".
func checkNames(claims map[string]any) error {
	seen := make(map[string]string, len(claims))
	for name := range claims {
		folded := strings.ToLower(strings.ToUpper(name))
		if other, twice := seen[folded]; twice {
			return fmt.Errorf("%w: the names %q and %q differ only in case", errClaims, min(name, other), max(name, other))
		}
		if seen[folded] = name; folded == "__proto__" {
			return fmt.Errorf("%w: the name %q is the prototype of an object in JavaScript", errClaims, name)
		}
	}
	return nil
}

// checkValue checks a value that is nested in depth objects and arrays.
func checkValue(v any, depth int) error {
	switch v.(type) {
	case []any, map[string]any:
		if depth == maxClaimsDepth {
			return fmt.Errorf("%w: nested deeper than %d levels", errClaims, maxClaimsDepth)
		}
	}
	switch v := v.(type) {
	case nil, bool:
	case string:
		if !utf8.ValidString(v) {
			return fmt.Errorf("%w: not valid UTF-8", errClaims)
		}
	case float64:
		if math.Abs(v) > maxExact || math.IsNaN(v) {
			return fmt.Errorf("%w: a number beyond 2^53 would be rounded; write it as a string", errClaims)
		}
	case []any:
		for _, element := range v {
			if err := checkValue(element, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, member := range v {
			if !utf8.ValidString(name) {
				return fmt.Errorf("%w: not valid UTF-8", errClaims)
			}
			if err := checkValue(member, depth+1); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%w: a value is not of a JSON type", errClaims)
	}
	return nil
}
