package token

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/edgeauth/edgeauth/internal/loopback"
)

// checkIssuer holds an issuer to RFC 8414, section 2: an https URL without query or fragment. Plain http is for
// loopback only, where nobody can listen in.
func checkIssuer(issuer string) error {
	const want = "Issuer must hold the exact iss, an https URL without query or fragment (http for loopback only)"
	if issuer == "" {
		return errors.New(want)
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil, u.Host == "", u.User != nil, strings.ContainsAny(issuer, "?#"):
	case u.Scheme == "https", u.Scheme == "http" && loopback.IsHost(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s; it holds %q", want, issuer)
}

// checkAudience refuses what would make an audience mean everybody or two things.
func checkAudience(audience []string) error {
	if len(audience) == 0 {
		return errors.New("Audience must hold at least one audience")
	}
	seen := map[string]bool{}
	for _, a := range audience {
		if a == "" || seen[a] {
			return fmt.Errorf("Audience must hold audiences that are not empty and differ; it holds %q", audience)
		}
		seen[a] = true
	}
	return nil
}
