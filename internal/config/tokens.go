package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/edgeauth/edgeauth/internal/loopback"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Issuer returns the exact iss. It is compared byte for byte, so it is not normalised.
func (e *Environment) Issuer() string {
	const want = "the exact issuer, an https URL without query or fragment (http for loopback hosts only)"
	text, ok := e.required(Issuer, want)
	if !ok {
		return ""
	}
	if problem := issuerProblem(text); problem != "" {
		e.refuse(Issuer, problem, want)
		return ""
	}
	return text
}

// issuerProblem returns what is wrong with an issuer by RFC 8414, section 2, or "".
func issuerProblem(text string) string {
	for _, r := range text {
		if r <= ' ' || r > '~' {
			return "has an invalid character"
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return "is not a URL with a host"
	case strings.ContainsAny(text, "?#"):
		return "has a query or a fragment"
	case u.User != nil:
		return "has a user name"
	case strings.HasPrefix(text, "https://"):
		return ""
	case strings.HasPrefix(text, "http://") && loopback.IsHost(u.Hostname()):
		return ""
	}
	return "is not an https URL"
}

// Audience returns the audiences, at least one.
func (e *Environment) Audience() []string {
	const want = "one audience, or several separated by spaces"
	text, ok := e.required(Audience, want)
	if !ok {
		return nil
	}
	list := strings.Fields(text)
	switch {
	case len(list) == 0:
		e.refuse(Audience, "is blank", want)
	case len(slices.Compact(slices.Sorted(slices.Values(list)))) < len(list):
		e.refuse(Audience, "repeats an audience", want)
	default:
		return list
	}
	return nil
}

// JWKS returns the public key set as JSON. One variable has the text, or another names its file.
func (e *Environment) JWKS() []byte {
	const want = "the public JWKS as text, or " + JWKSFile + " the path of its file, and not both"
	text, inText := e.optional(JWKS)
	path, inFile := e.optional(JWKSFile)
	switch {
	case inText && inFile:
		// If one variable had precedence, a forgotten variable could decide which tokens are
		// accepted.
		e.refuse(JWKS, "and "+JWKSFile+" are both set", want)
	case inText:
		return []byte(text)
	case inFile:
		return e.file(JWKSFile, path, "the path of a file with the public JWKS")
	default:
		e.refuse(JWKS, notSet, want)
	}
	return nil
}

// JWKSOrURL returns the public key set as JSON, or its URL. Exactly one of three variables must be
// set.
func (e *Environment) JWKSOrURL() (jwks []byte, url string) {
	const want = "the public JWKS as text, or " + JWKSFile + " the path of its file, or " + JWKSURL + " its https URL, and only one of them"
	url, atURL := e.optional(JWKSURL)
	_, inText := e.optional(JWKS)
	_, inFile := e.optional(JWKSFile)
	switch {
	case atURL && (inText || inFile):
		e.refuse(JWKSURL, "and "+JWKS+" or "+JWKSFile+" are both set", want)
	case atURL:
		return nil, url
	case !inText && !inFile:
		e.refuse(JWKS, notSet, want)
	default:
		return e.JWKS(), ""
	}
	return nil, ""
}

// SigningRing returns the source of the signing ring, without reading it: secretsmanager:<arn>,
// file:<path>, or the ring as JSON.
func (e *Environment) SigningRing() auth.Secret {
	return e.secret(SigningRing)
}

// RefreshKeys returns the source of the refresh-token ring, in the same forms.
func (e *Environment) RefreshKeys() auth.Secret {
	return e.secret(RefreshKeys)
}

// LoginRing returns the source of the login ring, in the same forms.
func (e *Environment) LoginRing() auth.Secret {
	return e.secret(LoginRing)
}

func (e *Environment) secret(name string) auth.Secret {
	text, ok := e.required(name, "secretsmanager:<arn>, file:<path>, or the JSON itself")
	if !ok {
		return auth.Secret{}
	}
	return auth.NewSecret(text)
}

// MaxKeyVersion is the greatest version of keys that may sign. It leaves room for the next version, which is published while this version signs: a
// key id has 16 bits.
const MaxKeyVersion = 1<<16 - 2

// KeyVersion returns the version of the keys that signs.
func (e *Environment) KeyVersion() uint16 {
	const want = "the version of the keys that signs, a whole number from 1 to 65534"
	text, ok := e.required(KeyVersion, want)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < 1 || n > MaxKeyVersion {
		e.refuse(KeyVersion, "is not a valid version", want)
		return 0
	}
	return uint16(n)
}
