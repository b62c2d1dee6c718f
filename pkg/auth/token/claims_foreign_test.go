package token_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// TestShapesOfRealTokens verifies payloads in the shapes that identity providers document for their
// access tokens. The values are invented.
func TestShapesOfRealTokens(t *testing.T) {
	times := `"iat":1700000000,"exp":1700003600`
	for _, row := range []struct {
		name, typ, payload string
		other              token.OtherIssuer
		want               token.Claims // Scope, Roles, ClientID, AuthTime and AMR
	}{
		{
			"Cognito, groups as roles", "", `{"sub":"u1","cognito:groups":["admin","editor"],"iss":"$","version":2,"client_id":"app","token_use":"access","scope":"openid email","auth_time":1699999000,` + times + `,"jti":"a1","username":"jane"}`,
			token.OtherIssuer{AudienceClaim: "client_id", Audience: []string{"app"}, Types: []string{""}, Claims: map[string]string{"token_use": "access"}, Map: map[string]string{"roles": "cognito:groups"}},
			token.Claims{Scope: []string{"openid", "email"}, Roles: []string{"admin", "editor"}, ClientID: "app", AuthTime: time.Unix(1699999000, 0)},
		},
		{
			"Auth0", "at+jwt", `{"iss":"$","sub":"auth0|u1","aud":["https://api.example.com","https://tenant.example.com/userinfo"],` + times + `,"scope":"openid read:x","azp":"app","permissions":["read:x"]}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"https://api.example.com"}, Types: []string{"at+jwt"}, Map: map[string]string{"client_id": "azp", "roles": "permissions"}},
			token.Claims{Scope: []string{"openid", "read:x"}, Roles: []string{"read:x"}, ClientID: "app"},
		},
		{
			"Okta, scopes in scp", "", `{"ver":1,"jti":"AT.x","iss":"$","aud":"api://default",` + times + `,"cid":"app","uid":"00u1","scp":["openid","profile"],"auth_time":1699999000,"sub":"jane@example.com","groups":["Everyone","admin"]}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"api://default"}, Types: []string{""}, Map: map[string]string{"client_id": "cid", "scope": "scp", "roles": "groups"}},
			token.Claims{Scope: []string{"openid", "profile"}, Roles: []string{"Everyone", "admin"}, ClientID: "app", AuthTime: time.Unix(1699999000, 0)},
		},
		{
			"Entra ID, version 2", "JWT", `{"aud":"6e74172b-be56-4843-9ff4-e66a39bb12e3","iss":"$",` + times + `,"nbf":1700000000,"aio":"x","azp":"app","azpacr":"0","name":"Jane","oid":"o1","rh":"x","scp":"access_as_user","roles":["Reader"],"sub":"s1","tid":"t1","uti":"u","ver":"2.0"}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"6e74172b-be56-4843-9ff4-e66a39bb12e3"}, Types: []string{"JWT"}, Map: map[string]string{"client_id": "azp", "scope": "scp"}},
			token.Claims{Scope: []string{"access_as_user"}, Roles: []string{"Reader"}, ClientID: "app"},
		},
		{
			"Keycloak, an empty scope and nested roles", "JWT", `{` + times + `,"auth_time":1699999000,"jti":"j","iss":"$","aud":"account","sub":"u1","typ":"Bearer","azp":"app","session_state":"s","acr":"1","realm_access":{"roles":["user"]},"scope":"","sid":"s1","email_verified":false,"tv":9}`,
			token.OtherIssuer{AudienceClaim: "azp", Audience: []string{"app"}, Types: []string{"JWT"}, Claims: map[string]string{"typ": "Bearer"}, Map: map[string]string{"roles": "realm_access"}},
			token.Claims{AuthTime: time.Unix(1699999000, 0)},
		},
		{
			"Supabase, amr of objects", "JWT", `{"aal":"aal1","amr":[{"method":"password","timestamp":1700000000}],"app_metadata":{"provider":"email"},"aud":"authenticated","email":"jane@example.com",` + times + `,"iss":"$","is_anonymous":false,"phone":"","role":"authenticated","session_id":"s1","sub":"u1","user_metadata":{}}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"authenticated"}, Types: []string{"JWT"}, Map: map[string]string{"roles": "role"}},
			token.Claims{Roles: []string{"authenticated"}},
		},
		{
			"Firebase", "JWT", `{"name":"Jane","iss":"$","aud":"project","auth_time":1699999000,"user_id":"u1","sub":"u1",` + times + `,"email":"jane@example.com","email_verified":true,"firebase":{"identities":{"email":["jane@example.com"]},"sign_in_provider":"password"}}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"project"}, Types: []string{"JWT"}},
			token.Claims{AuthTime: time.Unix(1699999000, 0)},
		},
		{
			"Clerk, no aud", "JWT", `{"azp":"https://app.example.com",` + times + `,"fva":[3,-1],"iss":"$","nbf":1699999990,"sid":"sess_1","sub":"user_1","v":2,"org_role":null}`,
			token.OtherIssuer{AudienceClaim: "azp", Audience: []string{"https://app.example.com"}, Types: []string{"JWT"}, Map: map[string]string{"roles": "org_role"}},
			token.Claims{},
		},
		{
			"Duende IdentityServer, scope an array", "at+jwt", `{"iss":"$","nbf":1700000000,` + times + `,"aud":"api1","scope":["openid","api1"],"amr":["pwd"],"client_id":"app","sub":"1","auth_time":1699999000,"idp":"local","jti":"j"}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"api1"}, Types: []string{"at+jwt"}},
			token.Claims{Scope: []string{"openid", "api1"}, ClientID: "app", AuthTime: time.Unix(1699999000, 0), AMR: []string{"pwd"}},
		},
		{
			"Spring Authorization Server", "", `{"sub":"jane","aud":"app","nbf":1700000000,"scope":["message.read"],"iss":"$",` + times + `,"jti":"j"}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"app"}, Types: []string{""}},
			token.Claims{Scope: []string{"message.read"}},
		},
		{
			"Laravel Passport, times with a fraction", "JWT", `{"aud":"1","jti":"j","iat":1700000000.123456,"nbf":1700000000.123459,"exp":1700003600.120041,"sub":"1","scopes":[],"iss":"$"}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"1"}, Types: []string{"JWT"}, Map: map[string]string{"scope": "scopes"}},
			token.Claims{},
		},
		{
			"AD FS, auth_time a text", "JWT", `{"aud":"api","iss":"$",` + times + `,"apptype":"Public","appid":"app","authmethod":"urn:x","auth_time":"2023-11-14T22:13:20.000Z","ver":"1.0","scp":"openid","sub":"x="}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"api"}, Types: []string{"JWT"}, Map: map[string]string{"scope": "scp", "client_id": "appid"}},
			token.Claims{Scope: []string{"openid"}, ClientID: "app"},
		},
		{
			"null members", "JWT", `{"aud":"api","iss":"$",` + times + `,"sub":"u1","scope":null,"roles":null,"amr":null,"jti":null,"client_id":null,"auth_time":null,"nbf":null,"sid":null}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"api"}, Types: []string{"JWT"}},
			token.Claims{},
		},
		{
			"optional claims of any form", "JWT", `{"aud":"api","iss":"$",` + times + `,"sub":"u1","scope":{"a":1},"roles":"a  b","amr":7,"jti":{},"client_id":["a"],"auth_time":-1,"sid":9,"tv":9}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"api"}, Types: []string{"JWT"}},
			token.Claims{},
		},
		{
			"a mapped claim replaces the token's own", "JWT", `{"aud":"api","iss":"$",` + times + `,"sub":"u1","roles":["root"],"groups":["reader"]}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"api"}, Types: []string{"JWT"}, Map: map[string]string{"roles": "groups"}},
			token.Claims{Roles: []string{"reader"}},
		},
		{
			"a mapped claim that is missing", "JWT", `{"aud":"api","iss":"$",` + times + `,"sub":"u1","roles":["root"]}`,
			token.OtherIssuer{AudienceClaim: "aud", Audience: []string{"api"}, Types: []string{"JWT"}, Map: map[string]string{"roles": "groups"}},
			token.Claims{},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			const theirs = "https://issuer.example.net"
			row.other.Issuer, row.other.Keys, row.other.Lifetime = theirs, foreignKeys(t, token.RS256), 2*time.Hour
			v, err := token.NewVerifier(token.VerifierConfig{
				Issuer: issuer, Audience: []string{audience}, Keys: publicKeys(t), Others: []token.OtherIssuer{row.other}, Now: clock,
			})
			if err != nil {
				t.Fatal(err)
			}
			typ := ""
			if row.typ != "" {
				typ = `,"typ":"` + row.typ + `"`
			}
			got, err := v.Verify(t.Context(), sign(t, token.RS256, foreignHeader(token.RS256, typ), put(t, row.payload, `"$"`, `"`+theirs+`"`)))
			if err != nil {
				t.Fatal(err)
			}
			if !got.Foreign || got.SessionID != "" || got.TokenVersion != (auth.TokenVersion{}) || got.Subject == "" {
				t.Errorf("foreign %t, sid %q, sub %q", got.Foreign, got.SessionID, got.Subject)
			}
			got = token.Claims{Scope: got.Scope, Roles: got.Roles, ClientID: got.ClientID, AuthTime: got.AuthTime, AMR: got.AMR}
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("got  %+v\nwant %+v", got, row.want)
			}
		})
	}
}

func TestMapNamesWhatIsWrong(t *testing.T) {
	for to, from := range map[string]string{"sub": "email", "exp": "x", "": "x", "roles": "", "scope": "aud", "client_id": "Sub"} {
		other := others(t)[0]
		other.Map = map[string]string{to: from}
		_, err := token.NewVerifier(token.VerifierConfig{
			Issuer: issuer, Audience: []string{audience}, Keys: publicKeys(t), Others: []token.OtherIssuer{other}, Now: clock,
		})
		if err == nil {
			t.Errorf("%q from %q is accepted", to, from)
		}
	}
}
