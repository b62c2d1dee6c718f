package clients_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// given describes one issuer to a client, with the tokens to verify: "good" and the bad ones.
type given struct {
	Issuer    string            `json:"issuer"`
	KeysURL   string            `json:"jwks_uri"`
	Audience  string            `json:"audience"`
	Algorithm token.Algorithm   `json:"algorithm"`
	Tokens    map[string]string `json:"tokens"`
	server    *server
}

// verdicts are a client's results: the error for each token, and the error for the good token if
// the client lacks a setting that it needs.
type verdicts struct{ Tokens, Without map[string]string }

// verifiers are the clients, in the order of the page.
var verifiers = []struct {
	name, version string
	needs         string // in addition to issuer, audience and key set address
	script        string
	verify        func(t *testing.T, script, authority string, all []given) []verdicts
}{
	{"aws-jwt-verify (npm)", npm("aws-jwt-verify"), "nothing", "node/aws-jwt-verify.mjs", on(node)},
	{"jose (npm)", npm("jose"), "nothing", "node/jose.mjs", on(node)},
	{"PyJWT (Python)", pip("pyjwt"), "nothing", "python/pyjwt.py", on(python)},
	{"go-oidc (Go)", goModule("github.com/coreos/go-oidc/v3"), "the audience as `ClientID`", "verify_test.go", goOIDC},
	{"Nimbus JOSE+JWT (Java)", jarIn("java", "nimbus-jose-jwt"), "the type `at+jwt`; for EdDSA also Tink and your own check",
		"java/Nimbus.java", on(java("java"))},
	{"Spring Security (Java)", jarIn("spring65", "spring-security-oauth2-jose"), springNeeds, "java/Spring.java", on(java("spring65"))},
	{"Spring Security (Java)", jarIn("spring70", "spring-security-oauth2-jose"), springNeeds, "java/Spring.java", on(java("spring70"))},
}

const springNeeds = "`validateType(false)` and a validator of `at+jwt`"

func on(r runner) func(*testing.T, string, string, []given) []verdicts {
	return func(t *testing.T, script, authority string, all []given) (found []verdicts) {
		t.Helper()
		r.run(t, script, authority, all, &found)
		return found
	}
}

func goOIDC(t *testing.T, _, _ string, all []given) (found []verdicts) {
	t.Helper()
	for _, g := range all {
		ctx, issuer := oidc.ClientContext(t.Context(), g.server.Client()), g.Issuer
		verify := func(audience, text string) error {
			provider, err := oidc.NewProvider(ctx, issuer)
			if err != nil {
				return err
			}
			late := func() time.Time { return time.Now().Add(-30 * time.Second) }
			verifier := provider.VerifierContext(ctx, &oidc.Config{ClientID: audience, Now: late})
			_, err = verifier.Verify(ctx, text)
			return err
		}
		verdict := func(audience, text string) string {
			if err := verify(audience, text); err != nil {
				return err.Error()
			}
			return ""
		}
		v := verdicts{Tokens: map[string]string{}, Without: map[string]string{"ClientID": verdict("", g.Tokens["good"])}}
		for name, text := range g.Tokens {
			v.Tokens[name] = verdict(g.Audience, text)
		}
		found = append(found, v)
	}
	return found
}

// TestVerifiers checks the table of verifiers in docs/verify.md. Each client fetches the keys from
// edgeauth's endpoints, accepts a good token of each listed algorithm, and refuses a token that
// differs in one way.
func TestVerifiers(t *testing.T) {
	var all []given
	var authority string
	for _, alg := range algorithms {
		h := newServer(t, "https", alg)
		authority = h.authority(t) // the same for all
		g := given{h.URL, h.URL + keysPath, audience, alg, h.bad(t), h}
		if len(g.Tokens) != len(refused) {
			t.Fatalf("%d bad tokens", len(g.Tokens))
		}
		g.Tokens["good"] = h.login(t).Access
		h.verify(t, g.Tokens["good"])
		all = append(all, g)
	}
	table := []string{
		"| client | version | fetches the key set by URL | RS256 | ES256 | EdDSA | also needs |",
		"| --- | --- | --- | --- | --- | --- | --- |",
	}
	onPage(t, table[0]+"\n"+table[1])
	onPage(t, "in one way only: "+strings.Join(refused, ", "))
	for _, client := range verifiers {
		t.Run(client.name+" "+client.version, func(t *testing.T) {
			for _, g := range all {
				g.server.asked.Store(0)
				g.Tokens["time"], g.Tokens["ahead"] = g.server.issue(t, expired), g.server.issue(t, ahead)
			}
			found := client.verify(t, client.script, authority, all)
			if len(found) != len(all) {
				t.Fatalf("%d answers", len(found))
			}
			came, takes := "yes", ""
			for i, g := range all {
				takes += " " + found[i].judge(t, g, client.needs != "nothing") + " |"
				if found[i].Tokens["good"] == "" && g.server.asked.Load() == 0 {
					came = "no"
				}
			}
			row := fmt.Sprintf("| %s | %s | %s |%s %s |", client.name, client.version, came, takes, client.needs)
			table = append(table, row)
			onPage(t, row)
		})
	}
	t.Log("\n" + strings.Join(table, "\n"))
}

// judge returns yes if the client accepts the good token, and no otherwise. The test fails if the
// client accepts a bad token, or works without a setting that the page says it needs.
func (v verdicts) judge(t *testing.T, g given, needs bool) string {
	t.Helper()
	if !maps.EqualFunc(v.Tokens, g.Tokens, func(string, string) bool { return true }) {
		t.Fatalf("%s: verdicts on %v", g.Algorithm, slices.Sorted(maps.Keys(v.Tokens)))
	}
	for _, what := range refused {
		t.Logf("%s, another %s: %s", g.Algorithm, what, v.Tokens[what])
		if v.Tokens[what] == "" {
			t.Errorf("%s: it accepts a token with another %s", g.Algorithm, what)
		}
	}
	for what, refusal := range v.Without {
		t.Logf("%s, without %s: %s", g.Algorithm, what, refusal)
		if refusal == "" {
			t.Errorf("%s: it does not need %s", g.Algorithm, what)
		}
	}
	if needs != (len(v.Without) > 0) {
		t.Errorf("%s: it did not try without what it needs", g.Algorithm)
	}
	if v.Tokens["good"] != "" {
		t.Logf("%s: %s", g.Algorithm, v.Tokens["good"])
		return "no"
	}
	if v.Tokens["ahead"] != "" {
		t.Errorf("%s: it refuses a fresh token if its clock is late: %s", g.Algorithm, v.Tokens["ahead"])
	}
	return "yes"
}

// TestPage checks that the code blocks of docs/verify.md are in the scripts, and that its tables
// list exactly the clients of these tests.
func TestPage(t *testing.T) {
	page := read(t, pagePath)
	flat := func(text string) string { return regexp.MustCompile(`(?m)^[ \t]+`).ReplaceAllString(text, "") }
	blocks := regexp.MustCompile("(?s)```[a-z]+\n(.*?)```").FindAllStringSubmatch(page, -1)
	var scripts []string
	for _, client := range verifiers {
		if !slices.Contains(scripts, client.script) {
			scripts = append(scripts, client.script)
		}
	}
	if len(blocks) != len(scripts) {
		t.Fatalf("%d blocks for %d scripts", len(blocks), len(scripts))
	}
	for i, script := range scripts {
		imports, code, _ := strings.Cut(blocks[i][1], "\n\n")
		text := flat(read(t, script))
		if !strings.Contains(text, flat(code)) {
			t.Errorf("%s does not contain the code\n%s", script, code)
		}
		for line := range strings.Lines(flat(imports)) { // the script may have more
			if !strings.Contains(text, line) {
				t.Errorf("%s does not contain the line %s", script, line)
			}
		}
	}
	rows := regexp.MustCompile(`(?m)^\| [^|]+ \| [0-9.]+ \|`).FindAllString(page, -1)
	if len(rows) != len(verifiers)+len(sessionClients) {
		t.Errorf("its tables list %q", rows)
	}
}

const pagePath = "../../docs/verify.md"

// onPage checks that docs/verify.md contains text.
func onPage(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(read(t, pagePath), text) {
		t.Errorf("docs/verify.md does not say\n%s", text)
	}
}

// The versions come from the lock files.

func npm(name string) string {
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	if err := json.Unmarshal([]byte(mustRead("node/package-lock.json")), &lock); err != nil {
		panic(err)
	}
	return lock.Packages["node_modules/"+name].Version
}

func pip(name string) string { return pinned("python/requirements.txt", name+`==(\S+)`) }

func jarIn(folder, name string) string {
	return pinned(folder+"/jars.sha256", `.*`+name+`-([0-9.]+)\.jar`)
}

func goModule(path string) string { return pinned("go.mod", `\t`+path+` v(\S+)`) }

// pinned returns the first group of a line's match in a lock file.
func pinned(path, line string) string {
	found := regexp.MustCompile(`(?m)^` + line).FindStringSubmatch(mustRead(path))
	if found == nil {
		panic(path + " pins no " + line)
	}
	return found[1]
}
