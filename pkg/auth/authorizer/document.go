package authorizer

import (
	"encoding/json"
	"errors"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// document holds the authorizer's members of EDGEAUTH_CONFIG. An empty list is an error, because it
// might be meant to refuse every request.
type document struct {
	rules         []Rule
	tokenSources  []string
	contextClaims []string
	origins       []string
	issuers       []token.OtherIssuer
	audit         config.Audit
}

func readDocument(members map[string]json.RawMessage) (d document, err error) {
	for name, raw := range members {
		switch text := string(raw); name {
		case "routes":
			d.rules, err = readList(text, readRule)
		case "audit":
			if err := config.ReadAudit(text, &d.audit); err != nil {
				return document{}, err
			}
		case "issuers":
			d.issuers, err = readList(text, readIssuer)
		case "token_sources":
			d.tokenSources, err = config.ReadWords(text)
		case "context_claims":
			d.contextClaims, err = config.ReadWords(text)
		case "origins":
			d.origins, err = config.ReadWords(text)
		}
		if err != nil {
			return document{}, config.AtMember(name, err)
		}
	}
	return d, nil
}

func readRule(text string) (r Rule, err error) {
	err = config.ReadMembers(text, func(name, raw string) (err error) {
		switch name {
		case "route":
			r.Route, err = strictjson.String(raw)
		case "api":
			if r.APIs, err = config.ReadWords(raw); err != nil {
				var one string
				if one, err = strictjson.String(raw); err == nil {
					r.APIs = []string{one}
				} else {
					err = errAPI
				}
			}
		case "scopes":
			r.Scopes, err = config.ReadWords(raw)
		case "roles":
			r.Roles, err = config.ReadWords(raw)
		case "max_auth_age":
			r.MaxAuthAge, err = config.ReadDuration(raw)
		default:
			err = errors.New("unknown member (want route, api, scopes, roles, max_auth_age)")
		}
		return err
	})
	return r, err
}

func readIssuer(text string) (o token.OtherIssuer, err error) {
	err = config.ReadMembers(text, func(name, raw string) (err error) {
		switch name {
		case "issuer":
			o.Issuer, err = strictjson.String(raw)
		case "jwks":
			o.Keys, err = token.ParseForeignJWKS([]byte(raw))
		case "audience":
			o.Audience, err = config.ReadWords(raw)
		case "audience_claim":
			o.AudienceClaim, err = strictjson.String(raw)
		case "types":
			o.Types, err = config.ReadWords(raw)
		case "lifetime":
			o.Lifetime, err = config.ReadDuration(raw)
		case "claims":
			o.Claims, err = readClaims(raw)
		case "map":
			o.Map, err = readClaims(raw)
		default:
			err = errors.New("unknown member (want issuer, jwks, audience, audience_claim, types, lifetime, claims, map)")
		}
		return err
	})
	return o, err
}

func readClaims(text string) (map[string]string, error) {
	claims := map[string]string{}
	err := config.ReadMembers(text, func(name, raw string) (err error) {
		claims[name], err = strictjson.String(raw)
		return err
	})
	return claims, err
}

func readList[T any](text string, read func(raw string) (T, error)) ([]T, error) {
	elements, err := strictjson.Array(text)
	if err == nil && len(elements) == 0 {
		err = config.ErrEmpty
	}
	if err != nil {
		return nil, err
	}
	list := make([]T, len(elements))
	for i, raw := range elements {
		if list[i], err = read(string(raw)); err != nil {
			return nil, config.AtElement(i, err)
		}
	}
	return list, nil
}
