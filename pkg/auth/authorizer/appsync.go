package authorizer

import (
	"bytes"
	"strconv"
	"time"
)

// maxTTL is the maximum time for which AppSync caches an answer. Tokens of other issuers may live
// longer.
const maxTTL = time.Hour

// appSync is the authorizer of an AppSync GraphQL API. Its event has no field that names AppSync,
// but its shape is unique.
type appSync struct{}

func (appSync) reads(e event) bool {
	return len(e.kind) == 0 && len(e.version) == 0 && e.routeARN == "" && e.methodARN == "" && e.method == "" &&
		len(e.authorization) > 0 && len(e.apiID) > 0
}

// request accepts the bare token, a Bearer token, or a token behind one of the configured prefixes.
// Clients need a prefix if the API has a second authorization mode, because AppSync would apply
// that mode to a bare JWT.
func (appSync) request(a *Authorizer, e event) request {
	r := request{ID: e.requestID, graphQL: true, target: target{api: string(e.apiID)}}
	value := e.authorization
	for _, prefix := range a.sources.prefixes {
		if rest, found := bytes.CutPrefix(value, []byte(prefix)); found {
			value = rest
			break
		}
	}
	if bytes.IndexByte(value, ' ') >= 0 {
		r.Token, r.Problem = bearerToken(value)
	} else {
		r.Token, r.Problem = bare(value)
	}
	return r
}

// answer lets AppSync cache Allow until the token expires. If sessions are checked, it shortens the
// time, because AppSync does not check a cached answer. It forbids caching a refusal: a refused
// token may be accepted later, for example once its key has been published.
func (appSync) answer(a *Authorizer, r request, d decision) ([]byte, error) {
	if d.Outcome != outcomeAllow {
		return []byte(noUncached), nil
	}
	to := append(make([]byte, 0, answerBytes), `{"isAuthorized":true,"resolverContext":`...)
	to, err := appendContext(to, &d.Claims, a.config.ContextClaims)
	if err != nil {
		return nil, err
	}
	to = appendDenied(to, a.rules.deniedFields(r.api, &d.Claims, d.at))
	life := a.cacheable(min(maxTTL, a.rules.fieldsUntil(r.api, &d.Claims, d.at, d.Claims.Expires).Sub(d.at)))
	to = strconv.AppendInt(append(to, `,"ttlOverride":`...), int64(max(life, 0)/time.Second), 10)
	return append(to, '}'), nil
}

func appendDenied(to []byte, fields []string) []byte {
	if len(fields) == 0 {
		return to
	}
	to = append(to, `,"deniedFields":`...)
	for i, field := range fields {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		to = appendString(append(to, separator), field)
	}
	return append(to, ']')
}
