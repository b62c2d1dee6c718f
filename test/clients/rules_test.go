package clients_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/edgeauth/edgeauth/internal/keyrings"
)

// problem returns one sentence, or nothing if holds is true.
func problem(holds bool, format string, args ...any) []string {
	if holds {
		return nil
	}
	return []string{fmt.Sprintf(format, args...)}
}

var discovered = rule{"the discovery document names the issuer and its key set", func(p *published) []string {
	var document map[string]any
	if err := json.Unmarshal(p.document.body, &document); err != nil || p.document.status != http.StatusOK {
		return []string{fmt.Sprintf("status %d, %v", p.document.status, err)}
	}
	return slices.Concat(
		problem(p.document.url == p.issuer+"/.well-known/openid-configuration", "it is at %s", p.document.url),
		problem(document["issuer"] == p.issuer, "the issuer is %v", document["issuer"]),
		problem(isWhole(p.keysURL()), "the key set is at %q", p.keysURL()),
		problem(p.keys.status == http.StatusOK, "the key set has status %d", p.keys.status),
		problem(len(keysOf(p.keys.body)) > 0, "the key set is empty"),
	)
}, map[string]change{
	"no document":    in(func(p *published) { p.document.status = http.StatusNotFound }),
	"not JSON":       in(func(p *published) { p.document.body = []byte("<html>") }),
	"another path":   in(func(p *published) { p.document.url = p.issuer + "/openid-configuration" }),
	"another issuer": in(func(p *published) { p.document.body = []byte(`{"issuer":"https://other.example.com"}`) }),
	"no key set named": in(func(p *published) {
		p.document.body = bytes.Replace(p.document.body, []byte("jwks_uri"), []byte("keys"), 1)
	}),
	"a key set over http": in(func(p *published) {
		p.document.body = bytes.ReplaceAll(p.document.body, []byte("https:"), []byte("http:"))
	}),
	"a path for a key set": in(func(p *published) {
		p.document.body = []byte(`{"issuer":"` + p.issuer + `","jwks_uri":"/keys"}`)
	}),
	"no key set":       in(func(p *published) { p.keys.status = http.StatusNotFound }),
	"an empty key set": in(func(p *published) { p.keys.body = []byte(`{"keys":[]}`) }),
}}

// prompt checks the time of the documents. Each is fetched three times and the fastest counts, so
// that the check also passes on a machine under load.
func prompt(limit time.Duration) func(*published) []string {
	return func(p *published) []string {
		return slices.Concat(
			problem(p.document.took < limit, "the discovery document took %v", p.document.took),
			problem(p.keys.took < limit, "the key set took %v", p.keys.took),
		)
	}
}

// spaces returns n spaces, which may follow any JSON.
func spaces(n int) []byte { return bytes.Repeat([]byte(" "), n) }

func small(limit int) func(*published) []string {
	return func(p *published) []string { return problem(len(p.keys.body) <= limit, "%d bytes", len(p.keys.body)) }
}

func limited(p *published) []string {
	// 150 KB is at least 150,000 bytes.
	return slices.Concat(small(150_000)(p), problem(len(keysOf(p.keys.body)) <= 10, "%d keys", len(keysOf(p.keys.body))))
}

func addressed(p *published) []string {
	return problem(isWhole(p.issuer) && !strings.ContainsAny(p.issuer, "?#"), "%s", p.issuer)
}

func located(p *published) []string {
	return slices.Concat(
		problem(isWhole(p.keys.url) && len(p.keys.url) <= 256, "the key set is at %s", p.keys.url),
		problem(len(p.issuer) <= 256, "the issuer has %d characters", len(p.issuer)),
	)
}

func isWhole(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != ""
}

func algorithm(taken ...string) func(*published) []string {
	return func(p *published) []string {
		header := headerOf(p.token)
		return problem(slices.Contains(taken, header.Algorithm), "%q", header.Algorithm)
	}
}

// foreignAlgorithms are tokens without a good signature, because the header alone decides.
var foreignAlgorithms = map[string]change{
	"ES256": in(func(p *published) { p.token = "eyJhbGciOiJFUzI1NiJ9.e30.AA" }),
	"EdDSA": in(func(p *published) { p.token = "eyJhbGciOiJFZERTQSJ9.e30.AA" }),
	"none":  in(func(p *published) { p.token = "eyJhbGciOiJub25lIn0.e30." }),
}

func headerOf(text string) (found jose.Header) {
	if parsed, err := jose.ParseSigned(text, everyAlgorithm); err == nil {
		found = parsed.Signatures[0].Header
	}
	return found
}

func keysOf(body []byte) []jose.JSONWebKey {
	var set jose.JSONWebKeySet
	_ = json.Unmarshal(body, &set)
	return set.Keys
}

// repeated returns a key set that contains its first key many times.
func repeated(body []byte, times int) []byte {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: slices.Repeat(keysOf(body)[:1], times)})
	if err != nil {
		panic(err) // the key was parsed from JSON
	}
	return text
}

// verified reports why text is not signed by the key of set that its kid names.
func verified(text string, set []byte) []string {
	parsed, err := jose.ParseSigned(text, everyAlgorithm)
	if err != nil {
		return []string{err.Error()}
	}
	kid := parsed.Signatures[0].Header.KeyID
	found := (&jose.JSONWebKeySet{Keys: keysOf(set)}).Key(kid)
	if len(found) != 1 {
		return []string{fmt.Sprintf("%d keys with kid %q", len(found), kid)}
	}
	if _, err := parsed.Verify(found[0]); err != nil {
		return []string{err.Error()}
	}
	return nil
}

var signed = rule{"kid names the key of the set that signed the token", func(p *published) []string {
	return verified(p.token, p.keys.body)
}, map[string]change{
	"a key that is not in the set": in(func(p *published) { p.keys.body = []byte(`{"keys":[]}`) }),
	"a kid that occurs twice":      in(func(p *published) { p.keys.body = repeated(p.keys.body, 2) }),
	"another key's signature": in(func(p *published) {
		p.token = p.token[:strings.LastIndex(p.token, ".")] + p.next[strings.LastIndex(p.next, "."):]
	}),
	"no kid": in(func(p *published) { p.token = "eyJhbGciOiJSUzI1NiJ9" + p.token[strings.Index(p.token, "."):] }),
}}

var issuedBy = rule{"iss is the configured issuer, to the byte", func(p *published) []string {
	iss := claimsOf(p.token)["iss"]
	return problem(iss == p.issuer, "%v", iss)
}, map[string]change{
	"another":            set("iss", "https://other.example.com"),
	"one slash more":     in(func(p *published) { p.issuer += "/" }),
	"one in upper case":  in(func(p *published) { p.issuer = strings.ToUpper(p.issuer) }),
	"missing":            without("iss"),
	"a list of this one": claim(func(c map[string]any) { c["iss"] = []any{c["iss"]} }),
}}

// valuesOf returns the values of a claim that is a string or a list of strings. It returns false
// for any other type.
func valuesOf(claim any) ([]string, bool) {
	switch claim := claim.(type) {
	case string:
		return []string{claim}, true
	case []any:
		var values []string
		for _, value := range claim {
			text, ok := value.(string)
			if !ok {
				return nil, false
			}
			values = append(values, text)
		}
		return values, true
	}
	return nil, false
}

func anyOf(list, wanted []string) bool {
	return slices.ContainsFunc(list, func(one string) bool { return slices.Contains(wanted, one) })
}

func audiences(p *published) []string {
	values, _ := valuesOf(claimsOf(p.token)["aud"])
	return problem(anyOf(values, p.audience), "aud is %q", values)
}

func audienceOrClient(p *published) []string {
	claims := claimsOf(p.token)
	if claims["aud"] != nil {
		return audiences(p)
	}
	values, _ := valuesOf(claims["client_id"])
	return problem(anyOf(values, p.audience), "client_id is %q", values)
}

var timely = rule{"exp lies after now; nbf and iat, if there, do not", func(p *published) (problems []string) {
	claims := claimsOf(p.token)
	now := float64(p.now.Unix())
	exp, ok := claims["exp"].(float64)
	problems = problem(ok && exp > now, "exp is %v", claims["exp"])
	for _, name := range []string{"nbf", "iat"} {
		if value, there := claims[name]; there {
			from, ok := value.(float64)
			problems = append(problems, problem(ok && from <= now, "%s is %v", name, value)...)
		}
	}
	return problems
}, map[string]change{
	"expired":              at("exp", -time.Minute),
	"no exp":               without("exp"),
	"an exp in words":      set("exp", "2999-01-01T00:00:00Z"),
	"not yet":              at("nbf", time.Minute),
	"issued in the future": at("iat", time.Minute),
}}

func scoped(p *published) []string {
	claims := claimsOf(p.token)
	for _, name := range []string{"scope", "scp"} {
		values, _ := valuesOf(claims[name])
		if anyOf(strings.Fields(strings.Join(values, " ")), p.scopes) {
			return nil
		}
	}
	return []string{fmt.Sprintf("scope is %v", claims["scope"])}
}

func demandable(p *published) []string {
	claims := claimsOf(p.token)
	values, ok := valuesOf(claims["aud"])
	text, _ := claims["scope"].(string)
	words := strings.Fields(text)
	return slices.Concat(
		audiences(p),
		problem(ok && len(values) <= 10, "aud has %d values", len(values)),
		problem(len(words) > 0 && len(words) <= 10, "scope has %d values", len(words)),
	)
}

// cached checks the rotation of keys. The authorizer keeps the key set for some time, and a cache
// before it keeps the set for as long as the answer allows. The next key must be in the set for the
// sum of both times before it signs, and the last key must still be there then.
func cached(kept time.Duration) rule {
	return rule{fmt.Sprintf("keys may be kept for %v", kept), func(p *published) []string {
		var seconds int
		age := regexp.MustCompile(`max-age=\d+`).FindString(p.keys.header.Get("Cache-Control"))
		_, err := fmt.Sscanf(age, "max-age=%d", &seconds)
		old, early := time.Duration(seconds)*time.Second+kept, keyrings.PublishedBeforeSigning
		return slices.Concat(
			problem(err == nil && old <= early, "a copy may be %v old, and a new key signs after %v", old, early),
			verified(p.next, p.keys.body),
			verified(p.token, p.after),
		)
	}, map[string]change{
		"the next key is not published": in(func(p *published) { p.keys.body = repeated(p.keys.body, 1) }),
		"the last key is withdrawn":     in(func(p *published) { p.after = []byte(`{"keys":[]}`) }),
		"a cache keeps it for long":     in(func(p *published) { p.keys.header.Set("Cache-Control", "max-age=7201") }),
		"a cache may keep it forever":   in(func(p *published) { p.keys.header.Del("Cache-Control") }),
	}}
}

func fits(p *published) []string {
	return problem(len("authorization: Bearer ")+len(p.token) < 10_240, "the token has %d bytes", len(p.token))
}
