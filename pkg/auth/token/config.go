package token

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/edgeauth/edgeauth/internal/loopback"
)

// checkIssuer requires an https URL without query or fragment (RFC 8414, section 2). Plain http is
// accepted only for a loopback host.
func checkIssuer(issuer string) error {
	const want = "Issuer must be an https URL without query or fragment (http only for loopback)"
	if issuer == "" {
		return errors.New(want)
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil, u.Host == "", u.User != nil, strings.ContainsAny(issuer, "?#"):
	case u.Scheme == "https", u.Scheme == "http" && loopback.IsHost(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s; it is %q", want, issuer)
}

// checkAudience refuses an empty or repeated audience.
func checkAudience(audience []string) error {
	if len(audience) == 0 {
		return errors.New("Audience must hold at least one value")
	}
	seen := map[string]bool{}
	for _, a := range audience {
		if a == "" || seen[a] {
			return fmt.Errorf("Audience must hold distinct, non-empty values; it holds %q", audience)
		}
		seen[a] = true
	}
	return nil
}
