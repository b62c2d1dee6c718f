package authorizer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
)

// TestOtherIssuer configures another issuer, whose groups become roles, and checks what a backend
// gets.
func TestOtherIssuer(t *testing.T) {
	unset(t)
	ours, theirs := newAuthority(t), newAuthority(t)
	t.Setenv("EDGEAUTH_ISSUER", issuer)
	t.Setenv("EDGEAUTH_AUDIENCE", audience)
	t.Setenv("EDGEAUTH_JWKS", ours.JWKS())
	t.Setenv("EDGEAUTH_CONFIG", `{"context_claims":["cognito:groups"],"routes":[{"route":"GET /me","roles":["admin"]}],"issuers":[{
		"issuer":"https://cognito.example.com","jwks":`+theirs.JWKS()+`,"audience":["app"],"audience_claim":"azp","types":[""],"lifetime":"2h",
		"map":{"roles":"cognito:groups","client_id":"azp"}}]}`)
	a, err := authorizer.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	kid := struct{ Keys []struct{ Kid, Alg string } }{}
	if err := json.Unmarshal([]byte(theirs.JWKS()), &kid); err != nil {
		t.Fatal(err)
	}
	ask := func(groups string) answer {
		t.Helper()
		text := theirs.Sign(fmt.Sprintf(`{"alg":%q,"kid":%q}`, kid.Keys[0].Alg, kid.Keys[0].Kid),
			fmt.Sprintf(`{"iss":"https://cognito.example.com","sub":"u9","azp":"app","cognito:groups":%s,"iat":%d,"exp":%d}`,
				groups, time.Now().Unix(), time.Now().Add(time.Hour).Unix()))
		raw, err := a.Invoke(context.Background(), []byte(`{"version":"2.0","type":"REQUEST","routeArn":"`+prod+`GET/me","headers":{"authorization":"Bearer `+text+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		return parseAnswer(t, raw)
	}
	got := ask(`["admin","editor"]`)
	delete(got.Context, "exp")
	want := map[string]string{
		"sub": "u9", "iss": "https://cognito.example.com", "client_id": "app", "roles": "admin editor", "cognito:groups": "admin editor",
	}
	if !got.IsAuthorized || fmt.Sprint(got.Context) != fmt.Sprint(want) {
		t.Errorf("the backend gets %t, %v, want %v", got.IsAuthorized, got.Context, want)
	}
	if got := ask(`["reader"]`); got.IsAuthorized {
		t.Error("another group may use the route")
	}
}

// TestForeignTokensAreNoFault sends tokens of another issuer whose claims cannot be a context. The
// same token of this issuer is a fault of the deployment, and raises the alarm.
func TestForeignTokensAreNoFault(t *testing.T) {
	for name, own := range map[string]string{
		"an object": `{"a":1}`, "a line feed": `"a\nb"`, "long": `"` + strings.Repeat("x", 5000) + `"`,
	} {
		for _, foreign := range []bool{true, false} {
			h := someone
			h.Foreign, h.Own = foreign, map[string]json.RawMessage{"tenant": json.RawMessage(own)}
			for place, event := range map[string]string{
				"HTTP":    `{"version":"2.0","type":"REQUEST","routeArn":"` + prod + `GET/me","headers":{"authorization":"Bearer x"}}`,
				"REST":    `{"type":"TOKEN","methodArn":"` + prod + `GET/me","authorizationToken":"Bearer x"}`,
				"AppSync": `{"authorizationToken":"x","requestContext":{"apiId":"a"}}`,
			} {
				var log bytes.Buffer
				a := newAuthorizer(t, h, func(c *authorizer.Config) {
					c.Log, c.ContextClaims, c.HTTPResponse = &log, []string{"tenant"}, config.ResponseSimple
				})
				raw, err := a.Invoke(context.Background(), []byte(event))
				if err == nil && (parseAnswer(t, raw).IsAuthorized || parseAnswer(t, raw).allows(prod+"GET/me")) {
					t.Errorf("%s, %s: allowed", name, place)
				}
				if fault := strings.Contains(log.String(), `"outcome":"fault"`); fault == foreign {
					t.Errorf("%s, %s, foreign %t: %s", name, place, foreign, &log)
				}
			}
		}
	}
}
