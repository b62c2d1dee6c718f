package clients_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// rule is a rule that AWS has written down. check returns the violations, one sentence each. broken
// lists changes that violate the rule. The check must find each change, so that a check that
// compares nothing cannot pass.
type rule struct {
	name   string
	check  func(*published) []string
	broken map[string]change
}

// change violates a rule. A change of claims makes a new token, signed with the same key.
type change struct {
	published func(*published)
	claims    func(map[string]any)
}

func in(f func(*published)) change           { return change{published: f} }
func claim(f func(map[string]any)) change    { return change{claims: f} }
func set(name string, value any) change      { return claim(func(c map[string]any) { c[name] = value }) }
func without(name string) change             { return claim(func(c map[string]any) { delete(c, name) }) }
func at(name string, d time.Duration) change { return set(name, time.Now().Add(d).Unix()) }

// authorizer is an authorizer that AWS runs itself.
type authorizer struct {
	name   string
	others string // the page's words about other algorithms
	keeps  string // the page's words about how long it caches keys
	rules  []rule
}

// The sources do not mention typ, so no rule checks it.
var authorizers = []authorizer{
	// Sources: Amazon API Gateway, Developer Guide, "Control access to HTTP APIs with JWT
	// authorizers", section "Authorizing API requests with a JWT authorizer", and "Quotas for
	// configuring and running an HTTP API".
	{"HTTP API, JWT authorizer", "no", "two hours", []rule{
		// The guide mentions "the issuer's jwks_uri", but not where it is found. It is in the
		// document at the issuer plus /.well-known/openid-configuration: the service says so if the
		// document is missing (Luciano Mammino, "Debugging API Gateway HTTP OIDC JWT authorizer"),
		// and the guide says so for REST APIs.
		discovered,
		{"both documents come within 1,500 ms", prompt(1500 * time.Millisecond), map[string]change{
			"the discovery document is late": in(func(p *published) { p.document.took = 2 * time.Second }),
			"the key set is late":            in(func(p *published) { p.keys.took = 2 * time.Second }),
		}},
		{"the key set has at most 150,000 bytes", small(150_000), map[string]change{
			"it has one more": in(func(p *published) { p.keys.body = append(p.keys.body, spaces(150_001-len(p.keys.body))...) }),
		}},
		{"the algorithm is based on RSA", algorithm("RS256", "RS384", "RS512"), foreignAlgorithms},
		signed,
		issuedBy,
		{"aud, or client_id where there is no aud, is one of the audiences", audienceOrClient, map[string]change{
			"another audience":                      set("aud", "https://backoffice.example.com"),
			"several, no match":                     set("aud", []string{"a", "b"}),
			"another audience, and the client fits": in(func(p *published) { p.audience = []string{"default"} }),
			"neither":                               claim(func(c map[string]any) { delete(c, "aud"); delete(c, "client_id") }),
		}},
		timely,
		{"scope or scp holds one of the route's scopes", scoped, map[string]change{
			"another":    set("scope", "read"),
			"none":       without("scope"),
			"the longer": set("scope", "writes"),
		}},
		cached(2 * time.Hour),
		{"the request's headers have room for the token: 10,240 bytes in all", fits, map[string]change{
			"a token of 10,240 bytes": in(func(p *published) { p.token += strings.Repeat("A", 10_240-len(p.token)) }),
		}},
	}},
	// Sources: Amazon API Gateway, Developer Guide, "Create a JWT authorizer for a REST API", and
	// "Signing keys and troubleshooting JWT authorizers", sections "How API Gateway finds signing
	// keys" and "Key rotation and caching"; API Reference, JwtConfiguration.
	//
	// Not confirmed: how times are checked, so the HTTP API's rules are used; limits of size and
	// time.
	{"REST API, JWT authorizer", "no", "one hour", []rule{
		{"the issuer is an absolute address of https without query and fragment", addressed, map[string]change{
			"http":       in(func(p *published) { p.issuer = strings.Replace(p.issuer, "https:", "http:", 1) }),
			"a query":    in(func(p *published) { p.issuer += "?" }),
			"a fragment": in(func(p *published) { p.issuer += "#a" }),
			"no scheme":  in(func(p *published) { p.issuer = strings.TrimPrefix(p.issuer, "https:") }),
		}},
		discovered,
		{"the algorithm is one that can be allowed", algorithm("RS256", "RS384", "RS512", "ES256", "ES384", "ES512"), map[string]change{
			"EdDSA": foreignAlgorithms["EdDSA"],
			"none":  foreignAlgorithms["none"],
		}},
		signed,
		issuedBy,
		{"aud is one of the audiences", audiences, map[string]change{
			"another": set("aud", "https://backoffice.example.com"),
			"none":    without("aud"),
		}},
		timely,
		cached(time.Hour),
	}},
	// Sources: Elastic Load Balancing, Application Load Balancers, "Verify JWTs using an
	// Application Load Balancer", sections "Prepare to use JWT verification" and "JWT validation
	// limits"; API Reference, JwtValidationActionConfig.
	//
	// Not confirmed: how it finds the key, so the rules assume a search by kid; how long it caches
	// the set, so they assume the longest time of the other caches.
	{"Application Load Balancer, JWT verification", "no", "not known", []rule{
		{"the algorithm is RS256", algorithm("RS256"), foreignAlgorithms},
		{"the key set has at most 10 keys and 150 KB", limited, map[string]change{
			"eleven keys": in(func(p *published) { p.keys.body = repeated(p.keys.body, 11) }),
			"too long":    in(func(p *published) { p.keys.body = append(p.keys.body, spaces(150_000)...) }),
		}},
		{"the key set is at a whole address of https; that and the issuer have at most 256 characters", located,
			map[string]change{
				"http":           in(func(p *published) { p.keys.url = strings.Replace(p.keys.url, "https:", "http:", 1) }),
				"a path alone":   in(func(p *published) { p.keys.url = "/.well-known/jwks.json" }),
				"a long address": in(func(p *published) { p.keys.url += strings.Repeat("a", 257-len(p.keys.url)) }),
				"a long issuer":  in(func(p *published) { p.issuer += strings.Repeat("a", 257-len(p.issuer)) }),
			}},
		signed,
		issuedBy,
		timely,
		{"aud and scope can be demanded: of at most 10 values each", demandable, map[string]change{
			"an object":        set("aud", map[string]any{"is": audience}),
			"eleven audiences": set("aud", strings.Fields(strings.Repeat(audience+" ", 11))),
			"eleven scopes":    set("scope", strings.Repeat("a ", 11)),
			"another audience": set("aud", "https://backoffice.example.com"),
		}},
		cached(2 * time.Hour),
	}},
}

// TestAuthorizers checks edgeauth's discovery document, key set and tokens against the rules, and
// docs/verify.md against the result. Every authorizer accepts RS256. A token of another algorithm
// violates only the rule of the algorithm.
func TestAuthorizers(t *testing.T) {
	servers := map[token.Algorithm]*published{}
	for _, alg := range algorithms {
		servers[alg] = newServer(t, "https", alg).published(t)
	}
	for _, a := range authorizers {
		t.Run(a.name, func(t *testing.T) {
			row := "| " + a.name + " |"
			for _, alg := range algorithms {
				broken := a.judge(servers[alg])
				switch {
				case len(broken) == 0:
					row += " yes |"
				case alg == token.RS256 || len(broken) > 1 || !strings.Contains(broken[0], "algorithm"):
					t.Errorf("%s breaks rules: %q", alg, broken)
				default:
					row += " " + a.others + " |"
				}
			}
			row += " " + a.keeps + " |"
			onPage(t, "\n"+row+"\n")
			t.Log(row)
		})
	}
}

func (a authorizer) judge(p *published) (broken []string) {
	for _, r := range a.rules {
		if problems := r.check(p); len(problems) > 0 {
			broken = append(broken, r.name+": "+strings.Join(problems, ", "))
		}
	}
	return broken
}

// TestRules checks that every change in broken is found.
func TestRules(t *testing.T) {
	h := newServer(t, "https", token.RS256)
	good := h.published(t)
	keys, err := keyring.LoadSigning(t.Context(), h.ring, 1, h.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range authorizers {
		for _, r := range a.rules {
			if len(r.broken) == 0 {
				t.Errorf("%s: %s: no change violates it", a.name, r.name)
			}
			for name, breaks := range r.broken {
				p := *good
				p.keys.body, p.document.body = bytes.Clone(good.keys.body), bytes.Clone(good.document.body)
				p.keys.header, p.document.header = good.keys.header.Clone(), good.document.header.Clone()
				if breaks.published != nil {
					breaks.published(&p)
				}
				if breaks.claims != nil {
					claims := claimsOf(p.token)
					breaks.claims(claims)
					p.token = sign(t, key, claims)
				}
				if problems := r.check(&p); len(problems) == 0 {
					t.Errorf("%s: %s: does not find the violation: %s", a.name, r.name, name)
				}
			}
		}
	}
}
