package discovery_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint/discovery"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	issuer       = "https://auth.example.com"
	keysPath     = "/.well-known/jwks.json"
	serverPath   = "/.well-known/oauth-authorization-server"
	providerPath = "/.well-known/openid-configuration"
)

func keySet(t *testing.T, algorithms ...token.Algorithm) token.KeySet {
	t.Helper()
	keys := make([]token.Key, len(algorithms))
	for i, alg := range algorithms {
		key, err := token.GenerateSigningKey(alg, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = key.Public()
	}
	set, err := token.NewKeySet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func serve(t *testing.T, issuer string, keys token.KeySet) http.Handler {
	t.Helper()
	h, err := discovery.New(issuer, keys)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends a request without a body. Each header has the form "name: value".
func ask(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	r.Header.Set("X-Request-Id", "r1")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestMetadata(t *testing.T) {
	keys := keySet(t, token.ES256, token.RS256, token.ES256, token.EdDSA)
	server := func(issuer, base string) string {
		return `{"issuer":"` + issuer + `","jwks_uri":"` + base + `/.well-known/jwks.json","token_endpoint":"` + base + `/auth/refresh",` +
			`"revocation_endpoint":"` + base + `/auth/logout","grant_types_supported":["refresh_token"],"response_types_supported":[],` +
			`"token_endpoint_auth_methods_supported":["none"],"revocation_endpoint_auth_methods_supported":["none"]`
	}
	for issuer, base := range map[string]string{
		"https://auth.example.com":       "https://auth.example.com",
		"https://auth.example.com/":      "https://auth.example.com", // the slash belongs to the issuer, not to a path
		"https://example.com/tenants/1":  "https://example.com/tenants/1",
		"https://example.com/tenants/1/": "https://example.com/tenants/1",
		"http://127.0.0.1:8080":          "http://127.0.0.1:8080",
	} {
		h := serve(t, issuer, keys)
		if got, want := ask(h, "GET", serverPath).Body.String(), server(issuer, base)+"}\n"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		want := server(issuer, base) + `,"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256","RS256","EdDSA"]}` + "\n"
		if got := ask(h, "GET", providerPath).Body.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestMetadataIsTrue: the routes serve every URL in the metadata, with the method of the standard.
func TestMetadataIsTrue(t *testing.T) {
	var m map[string]any
	if err := json.Unmarshal(ask(serve(t, issuer, keySet(t, token.EdDSA)), "GET", providerPath).Body.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	for name, method := range map[string]string{"jwks_uri": "GET", "token_endpoint": "POST", "revocation_endpoint": "POST"} {
		path, ours := strings.CutPrefix(m[name].(string), issuer)
		if !ours || !slices.ContainsFunc(route.Table(), func(r route.Row) bool { return r.Pattern == method+" "+path && r.Guard == route.None }) {
			t.Errorf("%s is %s", name, m[name])
		}
	}
	for name := range m {
		if _, known := map[string]bool{"jwks_uri": true, "token_endpoint": true, "revocation_endpoint": true}[name]; strings.HasSuffix(name, "_endpoint") && !known {
			t.Errorf("%s is in the metadata, but the test does not request it", name)
		}
	}
}

func TestNumberOfKeys(t *testing.T) {
	algorithms := slices.Repeat([]token.Algorithm{token.EdDSA}, 11)
	if _, err := discovery.New(issuer, keySet(t, algorithms[:10]...)); err != nil {
		t.Errorf("ten keys: %v", err)
	}
	for name, keys := range map[string]token.KeySet{"none": {}, "eleven": keySet(t, algorithms...)} {
		if _, err := discovery.New(issuer, keys); err == nil || !strings.Contains(err.Error(), "want 1 to 10") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDiscoveryAnswers(t *testing.T) {
	h := serve(t, issuer, keySet(t, token.EdDSA))
	tags := map[string]string{}
	for _, path := range []string{keysPath, serverPath, providerPath} {
		first := ask(h, "GET", path)
		tags[path] = first.Header().Get("ETag")
		want := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"public, max-age=900"}, "Etag": {tags[path]},
			"Access-Control-Allow-Origin": {"*"}}
		if first.Code != 200 || !reflect.DeepEqual(first.Header(), want) || !json.Valid(first.Body.Bytes()) {
			t.Errorf("%s: %d %v %s", path, first.Code, first.Header(), first.Body)
		}
		head := ask(h, "HEAD", path)
		if head.Code != 200 || !reflect.DeepEqual(head.Header(), want) || head.Body.Len() > 0 {
			t.Errorf("HEAD %s: %d %v %s", path, head.Code, head.Header(), head.Body)
		}
		if again := ask(h, "GET", path+"?x=1", "Origin: https://app.example.com", "Cookie: a=b"); again.Body.String() != first.Body.String() ||
			!reflect.DeepEqual(again.Header(), want) {
			t.Errorf("%s is not constant: %v %s", path, again.Header(), again.Body)
		}
	}
	if tags[keysPath] == tags[serverPath] || tags[serverPath] == tags[providerPath] {
		t.Errorf("tags %v", tags)
	}
	// Other keys have another tag.
	if other := ask(serve(t, issuer, keySet(t, token.EdDSA)), "GET", keysPath).Header().Get("ETag"); other == tags[keysPath] {
		t.Errorf("two key sets have the tag %s", other)
	}

	tag := tags[keysPath]
	for _, row := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"it", []string{tag}, 304},
		{"it, weakly", []string{"W/" + tag}, 304},
		{"anything", []string{"*"}, 304},
		{"in a list", []string{`"a", ` + tag + `,"b"`}, 304},
		{"weakly, in a list without spaces", []string{`W/"a",W/` + tag}, 304},
		{"in a second line", []string{`"a"`, tag}, 304},
		{"behind a tag with a comma", []string{`"a,b", ` + tag}, 304},
		{"behind a tab", []string{"\"a\",\t" + tag}, 304},
		{"another", []string{`"a"`}, 200},
		{"the other document's", []string{tags[serverPath]}, 200},
		{"without its quotation marks", []string{strings.Trim(tag, `"`)}, 200},
		{"in another case", []string{strings.ToUpper(tag[:12]) + strings.ToLower(tag[12:])}, 200},
		{"with a small w", []string{"w/" + tag}, 200},
		{"a part of it", []string{tag[:10] + `"`}, 200},
		{"empty", []string{""}, 200},
		{"commas", []string{",,,"}, 200},
		{"a quoted star", []string{`"*"`}, 200},
		{"a star within a tag", []string{`"a,*,b"`}, 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(row.name+"/"+method, func(t *testing.T) {
				var headers []string
				for _, value := range row.headers {
					headers = append(headers, "If-None-Match: "+value)
				}
				got := ask(h, method, keysPath, headers...)
				if got.Code != row.want || got.Header().Get("ETag") != tag || got.Header().Get("Cache-Control") == "" ||
					got.Header().Get("Access-Control-Allow-Origin") != "*" {
					t.Errorf("%d %v, want %d", got.Code, got.Header(), row.want)
				}
				if (got.Body.Len() > 0) != (row.want == 200 && method == "GET") {
					t.Errorf("a body of %d bytes", got.Body.Len())
				}
				if got.Code == 304 && got.Header().Get("Content-Type") != "" {
					t.Errorf("304 describes a body: %v", got.Header())
				}
			})
		}
	}
}

func TestDiscoveryRefused(t *testing.T) {
	h := serve(t, issuer, keySet(t, token.EdDSA))
	const method = `405 Allow: GET, HEAD {"error":"method_not_allowed","request_id":"r1"}`
	const none = `404 {"error":"not_found","request_id":"r1"}`
	for _, row := range []struct{ method, target, want string }{
		{"POST", keysPath, method},
		{"OPTIONS", serverPath, method},
		{"DELETE", providerPath, method},
		{"get", keysPath, method},
		{"GET", keysPath + "/", none},
		{"GET", "/.well-known/", none},
		{"GET", "/.well-known/JWKS.json", none},
		{"GET", "//.well-known/jwks.json", none},
		{"GET", serverPath + "/tenants/1", none},
		{"POST", "/auth/login", none},
		{"GET", "/", none},
	} {
		w := ask(h, row.method, row.target)
		got := fmt.Sprint(w.Code)
		if allow := w.Header().Get("Allow"); allow != "" {
			got += " Allow: " + allow
		}
		got += " " + strings.TrimSpace(w.Body.String())
		if got != row.want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %s, %v", row.method, row.target, got, w.Header())
		}
	}
}
