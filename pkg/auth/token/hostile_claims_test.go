package token_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// change is one hostile change to a valid header or payload. The result is signed correctly.
type change struct {
	name, old, new string
	want           token.Reason
}

// deep has one level of nesting more than a private claim may have.
var deep = strings.Repeat("[", 8) + strings.Repeat("]", 8)

// manyClaims holds more claims than strictjson compares one by one.
var manyClaims = func() string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, `"own%d":%d,`, i, i)
	}
	return b.String()
}()

// hostileClaims is a long function because it is a list: changes that other libraries accept.
func hostileClaims() []change {
	const iss, aud = `"iss":"https://auth.example.com"`, `"aud":"https://api.example.com"`
	return []change{
		{"no object", goodPayload, `"` + subject + `"`, token.Malformed},
		{"syntax", `"jti":"j"`, `"jti":'j'`, token.Malformed},
		{"a comma too many", `"default"}`, `"default",}`, token.Malformed},
		{"trailing data", `"default"}`, `"default"}{}`, token.Malformed},
		{"nesting", `"jti":`, `"own":` + deep + `,"jti":`, token.Malformed},
		{"invalid UTF-8", `"jti":"j"`, "\"jti\":\"\xff\"", token.Malformed},
		{"a lone surrogate", `"jti":"j"`, `"jti":"\ud800"`, token.Malformed},
		{"a lone surrogate in a name", `"jti":`, `"\udfff":1,"jti":`, token.Malformed},

		{"duplicate claim", `"jti":`, `"sub":"admin","jti":`, token.AmbiguousName},
		{"duplicate by an escape", `"jti":`, `"s\u0075b":"admin","jti":`, token.AmbiguousName},
		{"duplicate deeper", `"jti":`, `"own":{"a":1,"a":2},"jti":`, token.AmbiguousName},
		{"another case", `"jti":`, `"Sub":"admin","jti":`, token.AmbiguousName},
		{"another case alone", `"sub":`, `"SUB":`, token.AmbiguousName},
		{"another case by an escape", `"jti":`, `"\u0053ub":"admin","jti":`, token.AmbiguousName},
		{"long s for s", `"jti":`, `"ſub":"admin","jti":`, token.AmbiguousName},
		{"long s by an escape", `"jti":`, `"role\u017f":["admin"],"jti":`, token.AmbiguousName},
		{"case of an optional claim", `"jti":`, `"Auth_Time":1,"jti":`, token.AmbiguousName},
		{"case of nbf", `"jti":`, `"NBF":1,"jti":`, token.AmbiguousName},

		{"no iss", `"iss":"https://auth.example.com",`, ``, token.MissingClaim},
		{"no exp", `"exp":1700000900,`, ``, token.MissingClaim},
		{"no aud", `"aud":"https://api.example.com",`, ``, token.MissingClaim},
		{"no sub", `"sub":"` + subject + `",`, ``, token.MissingClaim},
		{"no client_id", `,"client_id":"default"`, ``, token.MissingClaim},
		{"no iat", `"iat":1700000000,`, ``, token.MissingClaim},
		{"no jti", `"jti":"j",`, ``, token.MissingClaim},
		{"empty iss", iss, `"iss":""`, token.MissingClaim},
		{"empty aud", aud, `"aud":""`, token.MissingClaim},
		{"no audience in aud", aud, `"aud":[]`, token.MissingClaim},
		{"empty sub", `"sub":"` + subject + `"`, `"sub":""`, token.MissingClaim},
		{"empty client_id", `"client_id":"default"`, `"client_id":""`, token.MissingClaim},
		{"empty jti", `"jti":"j"`, `"jti":""`, token.MissingClaim},

		{"iss null", iss, `"iss":null`, token.InvalidClaim},
		{"sub a number", `"sub":"` + subject + `"`, `"sub":7`, token.InvalidClaim},
		{"sub with a line feed", `"sub":"`, `"sub":"a\n`, token.InvalidClaim},
		{"sub with NUL", `"sub":"`, `"sub":"\u0000`, token.InvalidClaim},
		{"sub with a C1 control", `"sub":"`, `"sub":"` + "\u0085", token.InvalidClaim},
		{"sub too long", `"sub":"`, `"sub":"` + strings.Repeat("x", 64), token.InvalidClaim},
		{"aud an object", aud, `"aud":{"a":"https://api.example.com"}`, token.InvalidClaim},
		{"aud with a number", aud, `"aud":["https://api.example.com",1]`, token.InvalidClaim},
		{"aud with an empty entry", aud, `"aud":["https://api.example.com",""]`, token.InvalidClaim},
		{"aud nested", aud, `"aud":[["https://api.example.com"]]`, token.InvalidClaim},
		{"exp a string", `"exp":1700000900`, `"exp":"1700000900"`, token.InvalidClaim},
		{"exp with a fraction", `"exp":1700000900`, `"exp":1700000900.0`, token.InvalidClaim},
		{"exp with an exponent", `"exp":1700000900`, `"exp":17000009e2`, token.InvalidClaim},
		{"exp beyond 64 bits", `"exp":1700000900`, `"exp":18446744075409552516`, token.InvalidClaim},
		{"exp beyond time", `"exp":1700000900`, `"exp":9223372036854775807`, token.InvalidClaim},
		{"iat negative", `"iat":1700000000`, `"iat":-9223372036854775808`, token.InvalidClaim},
		{"iat minus zero", `"iat":1700000000`, `"iat":-0`, token.InvalidClaim},
		{"iat null", `"iat":1700000000`, `"iat":null`, token.InvalidClaim},
		{"nbf a string", `"jti":`, `"nbf":"1","jti":`, token.InvalidClaim},
		{"jti a number", `"jti":"j"`, `"jti":1`, token.InvalidClaim},
		{"jti with a control", `"jti":"j"`, `"jti":"\r"`, token.InvalidClaim},
		{"client_id an array", `"client_id":"default"`, `"client_id":["default"]`, token.InvalidClaim},
		{"client_id with a control", `"client_id":"`, `"client_id":"\u007f`, token.InvalidClaim},
		{"sid a number", `"jti":`, `"sid":1,"jti":`, token.InvalidClaim},
		{"sid empty", `"jti":`, `"sid":"","jti":`, token.InvalidClaim},
		{"sid with a control", `"jti":`, `"sid":"\t","jti":`, token.InvalidClaim},
		{"auth_time with a fraction", `"jti":`, `"auth_time":1.5,"jti":`, token.InvalidClaim},
		{"scope an array", `"jti":`, `"scope":["api"],"jti":`, token.InvalidClaim},
		{"scope empty", `"jti":`, `"scope":"","jti":`, token.InvalidClaim},
		{"scope with two spaces", `"jti":`, `"scope":"a  b","jti":`, token.InvalidClaim},
		{"scope with a tab", `"jti":`, `"scope":"a\tb","jti":`, token.InvalidClaim},
		{"scope with a quote", `"jti":`, `"scope":"a\"b","jti":`, token.InvalidClaim},
		{"scope beyond ASCII", `"jti":`, `"scope":"é","jti":`, token.InvalidClaim},
		{"roles a string", `"jti":`, `"roles":"admin","jti":`, token.InvalidClaim},
		{"roles with a number", `"jti":`, `"roles":[1],"jti":`, token.InvalidClaim},
		{"a role with a space", `"jti":`, `"roles":["reader admin"],"jti":`, token.InvalidClaim},
		{"an empty role", `"jti":`, `"roles":[""],"jti":`, token.InvalidClaim},
		{"amr a string", `"jti":`, `"amr":"pwd","jti":`, token.InvalidClaim},
		{"amr null", `"jti":`, `"amr":null,"jti":`, token.InvalidClaim},

		{"another issuer", iss, `"iss":"https://evil.example.com"`, token.WrongIssuer},
		{"issuer with a slash", iss, `"iss":"https://auth.example.com/"`, token.WrongIssuer},
		{"issuer in capitals", iss, `"iss":"https://AUTH.example.com"`, token.WrongIssuer},
		{"another audience", aud, `"aud":"https://api.example.org"`, token.WrongAudience},
		{"part of our audience", aud, `"aud":["https://api.example","api"]`, token.WrongAudience},
		{"audience in capitals", aud, `"aud":"OTHER"`, token.WrongAudience},
		{"above an hour", `"iat":1700000000`, `"iat":1699997299`, token.WrongLifetime},
		{"a lifetime of nothing", `"exp":1700000900`, `"exp":1700000000`, token.WrongLifetime},
		{"exp before iat", `"exp":1700000900`, `"exp":1699999999`, token.WrongLifetime},
		{"forever", `"exp":1700000900`, `"exp":253402300799`, token.WrongLifetime},
		{"iat 31 s ahead", `"iat":1700000000`, `"iat":1700000031`, token.IssuedAhead},
		{"nbf 31 s ahead", `"jti":`, `"nbf":1700000031,"jti":`, token.NotYetValid},
		{"a byte order mark", `{"iss"`, "\ufeff" + `{"iss"`, token.Malformed},
		{"nothing", goodPayload, ``, token.Malformed},
		{"space alone", goodPayload, ` `, token.Malformed},
		{"null", goodPayload, `null`, token.Malformed},
		{"an array of the claims", goodPayload, `[` + goodPayload + `]`, token.Malformed},
		{"two objects", goodPayload, goodPayload + goodPayload, token.Malformed},
		{"two objects and a comma", goodPayload, goodPayload + `,` + goodPayload, token.Malformed},
		{"NUL at the end", `"default"}`, `"default"}` + "\x00", token.Malformed},
		{"a bracket too many", `"default"}`, `"default"}}`, token.Malformed},
		{"cut off", `"default"}`, `"default"`, token.Malformed},
		{"a comment", `"jti":`, `/**/"jti":`, token.Malformed},
		{"a comment at the end", `"default"}`, `"default"}//`, token.Malformed},
		{"a bare name", `"jti":`, `own:1,"jti":`, token.Malformed},
		{"NaN", `"jti":`, `"own":NaN,"jti":`, token.Malformed},
		{"infinity", `"exp":1700000900`, `"exp":Infinity`, token.Malformed},
		{"a leading zero", `"exp":1700000900`, `"exp":01700000900`, token.Malformed},
		{"a leading plus", `"exp":1700000900`, `"exp":+1700000900`, token.Malformed},
		{"hexadecimal", `"exp":1700000900`, `"exp":0x6553f484`, token.Malformed},
		{"digits apart", `"exp":1700000900`, `"exp":1_700_000_900`, token.Malformed},
		{"an unknown escape", `"jti":"j"`, `"jti":"\x6a"`, token.Malformed},
		{"a raw line feed in a string", `"jti":"j"`, "\"jti\":\"\n\"", token.Malformed},
		{"a raw NUL in a string", `"jti":"j"`, "\"jti\":\"\x00\"", token.Malformed},
		{"a form feed as space", `"jti":`, "\f\"jti\":", token.Malformed},
		{"a no-break space as space", `"jti":`, "\u00a0\"jti\":", token.Malformed},
		{"overlong UTF-8", `"jti":"j"`, "\"jti\":\"\xc1\xaa\"", token.Malformed},
		{"UTF-8 cut off", `"jti":"j"`, "\"jti\":\"\xe2\x82\"", token.Malformed},
		{"a surrogate in UTF-8", `"jti":"j"`, "\"jti\":\"\xed\xa0\x80\"", token.Malformed},
		{"UTF-8 beyond Unicode", `"jti":"j"`, "\"jti\":\"\xf4\x90\x80\x80\"", token.Malformed},
		{"invalid UTF-8 in an own claim", `"jti":`, "\"own\":[\"\xfe\"],\"jti\":", token.Malformed},
		{"a lone surrogate in an own claim", `"jti":`, `"own":{"a":"\udc00"},"jti":`, token.Malformed},
		{"surrogates the wrong way round", `"jti":"j"`, `"jti":"\ude00\ud83d"`, token.Malformed},
		{"nesting of objects", `"jti":`, `"own":` + strings.Repeat(`{"a":`, 8) + `1` + strings.Repeat(`}`, 8) + `,"jti":`, token.Malformed},
		{"a thousand levels", `"jti":`, `"own":` + strings.Repeat(`[`, 1000) + strings.Repeat(`]`, 1000) + `,"jti":`, token.Malformed},

		{"iss twice", `"jti":`, `"iss":"https://auth.example.com","jti":`, token.AmbiguousName},
		{"aud twice", `"jti":`, `"aud":"https://api.example.com","jti":`, token.AmbiguousName},
		{"exp twice", `"jti":`, `"exp":1700000900,"jti":`, token.AmbiguousName},
		{"exp twice, the first long ago", `"exp":`, `"exp":1,"exp":`, token.AmbiguousName},
		{"iat twice", `"jti":`, `"iat":1700000000,"jti":`, token.AmbiguousName},
		{"nbf twice", `"jti":`, `"nbf":9999999999,"nbf":1,"jti":`, token.AmbiguousName},
		{"jti twice", `"jti":`, `"jti":"j","jti":`, token.AmbiguousName},
		{"client_id twice", `"jti":`, `"client_id":"admin","jti":`, token.AmbiguousName},
		{"scope twice", `"jti":`, `"scope":"a","scope":"admin","jti":`, token.AmbiguousName},
		{"roles twice", `"jti":`, `"roles":[],"roles":["admin"],"jti":`, token.AmbiguousName},
		{"sid twice", `"jti":`, `"sid":"a","sid":"b","jti":`, token.AmbiguousName},
		{"an own claim twice", `"jti":`, `"tenant":"a","tenant":"b","jti":`, token.AmbiguousName},
		{"duplicate among many", `"jti":`, manyClaims + `"own7":0,"jti":`, token.AmbiguousName},
		{"duplicate in a list of objects", `"jti":`, `"own":[{"a":1},{"b":1,"b":1}],"jti":`, token.AmbiguousName},
		{"duplicate by a surrogate pair", `"jti":`, `"😀":1,"\ud83d\ude00":2,"jti":`, token.AmbiguousName},
		{"case of iss", `"jti":`, `"Iss":"https://evil.example.com","jti":`, token.AmbiguousName},
		{"case of aud", `"jti":`, `"AUD":"x","jti":`, token.AmbiguousName},
		{"case of exp", `"jti":`, `"Exp":9999999999,"jti":`, token.AmbiguousName},
		{"case of iat", `"jti":`, `"IAT":1,"jti":`, token.AmbiguousName},
		{"case of jti", `"jti":`, `"JTI":"x","jti":`, token.AmbiguousName},
		{"case of client_id", `"jti":`, `"CLIENT_ID":"x","jti":`, token.AmbiguousName},
		{"case of sid", `"jti":`, `"Sid":"x","jti":`, token.AmbiguousName},
		{"case of scope", `"jti":`, `"Scope":"admin","jti":`, token.AmbiguousName},
		{"case of roles", `"jti":`, `"ROLES":["admin"],"jti":`, token.AmbiguousName},
		{"case of amr", `"jti":`, `"AMR":["mfa"],"jti":`, token.AmbiguousName},
		{"long s in iss", `"jti":`, `"isſ":"https://evil.example.com","jti":`, token.AmbiguousName},
		{"long s in scope", `"jti":`, `"ſcope":"admin","jti":`, token.AmbiguousName},
		{"long s in roles", `"jti":`, `"roleſ":["admin"],"jti":`, token.AmbiguousName},
		{"long s in sid", `"jti":`, `"ſid":"x","jti":`, token.AmbiguousName},

		{"exp null", `"exp":1700000900`, `"exp":null`, token.InvalidClaim},
		{"exp true", `"exp":1700000900`, `"exp":true`, token.InvalidClaim},
		{"exp a list", `"exp":1700000900`, `"exp":[1700000900]`, token.InvalidClaim},
		{"exp an object", `"exp":1700000900`, `"exp":{"$numberLong":"1700000900"}`, token.InvalidClaim},
		{"exp with a broken second", `"exp":1700000900`, `"exp":1700000900.9`, token.InvalidClaim},
		{"exp beyond a double", `"exp":1700000900`, `"exp":1e400`, token.InvalidClaim},
		{"exp with a capital exponent", `"exp":1700000900`, `"exp":1.7000009E9`, token.InvalidClaim},
		{"exp negative", `"exp":1700000900`, `"exp":-1`, token.InvalidClaim},
		{"iat a string", `"iat":1700000000`, `"iat":"1700000000"`, token.InvalidClaim},
		{"iat with a fraction", `"iat":1700000000`, `"iat":1700000000.5`, token.InvalidClaim},
		{"iat with an exponent", `"iat":1700000000`, `"iat":17e8`, token.InvalidClaim},
		{"nbf with a fraction", `"jti":`, `"nbf":1.5,"jti":`, token.InvalidClaim},
		{"nbf null", `"jti":`, `"nbf":null,"jti":`, token.InvalidClaim},
		{"nbf a list", `"jti":`, `"nbf":[],"jti":`, token.InvalidClaim},
		{"auth_time a string", `"jti":`, `"auth_time":"1","jti":`, token.InvalidClaim},
		{"auth_time negative", `"jti":`, `"auth_time":-1,"jti":`, token.InvalidClaim},
		{"auth_time null", `"jti":`, `"auth_time":null,"jti":`, token.InvalidClaim},
		{"iss a list", iss, `"iss":["https://auth.example.com"]`, token.InvalidClaim},
		{"iss a number", iss, `"iss":1`, token.InvalidClaim},
		{"sub a list", `"sub":"` + subject + `"`, `"sub":["` + subject + `"]`, token.InvalidClaim},
		{"sub null", `"sub":"` + subject + `"`, `"sub":null`, token.InvalidClaim},
		{"sub true", `"sub":"` + subject + `"`, `"sub":true`, token.InvalidClaim},
		{"sub with a carriage return", `"sub":"`, `"sub":"\r`, token.InvalidClaim},
		{"sub with an escape character", `"sub":"`, `"sub":"\u001b`, token.InvalidClaim},
		{"sub with DEL", `"sub":"`, `"sub":"\u007f`, token.InvalidClaim},
		{"aud null", aud, `"aud":null`, token.InvalidClaim},
		{"aud a number", aud, `"aud":1`, token.InvalidClaim},
		{"aud true", aud, `"aud":true`, token.InvalidClaim},
		{"aud with null", aud, `"aud":["https://api.example.com",null]`, token.InvalidClaim},
		{"jti null", `"jti":"j"`, `"jti":null`, token.InvalidClaim},
		{"jti with NUL", `"jti":"j"`, `"jti":"a\u0000b"`, token.InvalidClaim},
		{"client_id null", `"client_id":"default"`, `"client_id":null`, token.InvalidClaim},
		{"client_id with a line feed", `"client_id":"`, `"client_id":"\n`, token.InvalidClaim},
		{"sid null", `"jti":`, `"sid":null,"jti":`, token.InvalidClaim},
		{"sid with a line feed", `"jti":`, `"sid":"a\nb","jti":`, token.InvalidClaim},
		{"scope null", `"jti":`, `"scope":null,"jti":`, token.InvalidClaim},
		{"scope of a space", `"jti":`, `"scope":" ","jti":`, token.InvalidClaim},
		{"scope with a space before", `"jti":`, `"scope":" admin","jti":`, token.InvalidClaim},
		{"scope with a space behind", `"jti":`, `"scope":"admin ","jti":`, token.InvalidClaim},
		{"scope with a line feed", `"jti":`, `"scope":"a\nadmin","jti":`, token.InvalidClaim},
		{"scope with a backslash", `"jti":`, `"scope":"a\\b","jti":`, token.InvalidClaim},
		{"scope with a no-break space", `"jti":`, `"scope":"a\u00a0b","jti":`, token.InvalidClaim},
		{"roles null", `"jti":`, `"roles":null,"jti":`, token.InvalidClaim},
		{"roles an object", `"jti":`, `"roles":{"0":"admin"},"jti":`, token.InvalidClaim},
		{"roles nested", `"jti":`, `"roles":[["admin"]],"jti":`, token.InvalidClaim},
		{"roles with null", `"jti":`, `"roles":[null],"jti":`, token.InvalidClaim},
		{"a role with a tab", `"jti":`, `"roles":["a\tadmin"],"jti":`, token.InvalidClaim},
		{"a role with a line separator", `"jti":`, `"roles":["a\u2028admin"],"jti":`, token.InvalidClaim},
		{"a role with NUL", `"jti":`, `"roles":["admin\u0000"],"jti":`, token.InvalidClaim},
		{"amr with a number", `"jti":`, `"amr":[1],"jti":`, token.InvalidClaim},
		{"amr with a space", `"jti":`, `"amr":["pwd mfa"],"jti":`, token.InvalidClaim},

		{"issuer over http", iss, `"iss":"http://auth.example.com"`, token.WrongIssuer},
		{"issuer with its port", iss, `"iss":"https://auth.example.com:443"`, token.WrongIssuer},
		{"issuer with a final dot", iss, `"iss":"https://auth.example.com."`, token.WrongIssuer},
		{"issuer and NUL", iss, `"iss":"https://auth.example.com\u0000"`, token.WrongIssuer},
		{"issuer with a space", iss, `"iss":"https://auth.example.com "`, token.WrongIssuer},
		{"issuer with our own before", iss, `"iss":"https://auth.example.com.evil.example.com"`, token.WrongIssuer},
		{"audience and more", aud, `"aud":"https://api.example.com/"`, token.WrongAudience},
		{"audiences in one string", aud, `"aud":"https://api.example.com other"`, token.WrongAudience},
		{"audience and NUL", aud, `"aud":["https://api.example.com\u0000"]`, token.WrongAudience},
		{"a day", `"exp":1700000900`, `"exp":1700086400`, token.WrongLifetime},
		{"ten years", `"exp":1700000900`, `"exp":2015360000`, token.WrongLifetime},
		{"milliseconds", `"exp":1700000900`, `"exp":1700000900000`, token.InvalidClaim},
		{"iat in 1970", `"iat":1700000000`, `"iat":0`, token.WrongLifetime},
		{"over", `"exp":1700000900,"iat":1700000000`, `"exp":1699999999,"iat":1699999000`, token.Expired},
		{"over this second", `"exp":1700000900,"iat":1700000000`, `"exp":1700000000,"iat":1699999000`, token.Expired},
		{"from tomorrow on", `"exp":1700000900,"iat":1700000000`, `"exp":1700087300,"iat":1700086400`, token.IssuedAhead},
		{"nbf beyond exp", `"jti":`, `"nbf":1700000901,"jti":`, token.NotYetValid},
	}
}

func TestHostileClaimsUnderEveryAlgorithm(t *testing.T) {
	for _, row := range hostileClaims() {
		payload := put(t, goodPayload, row.old, row.new)
		for _, alg := range algorithms {
			t.Run(row.name+"/"+string(alg), func(t *testing.T) {
				refused(t, sign(t, alg, goodHeader(alg), payload), row.want)
			})
		}
	}
}
