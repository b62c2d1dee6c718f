package token_test

import (
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// Keys and signatures from the appendices and sections of the RFCs. kid and alg are added if the
// RFC omits them.
const (
	rfc7515RSA = `{"kty":"RSA","kid":"a","alg":"RS256","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W` +
		`26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7` +
		`OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_` +
		`I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}`
	rfc7515EC = `{"kty":"EC","kid":"a","alg":"ES256","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",` +
		`"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rfc7515Secret  = `AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow`
	rfc7515Payload = `.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.`

	rfc8037Public = `{"kty":"OKP","kid":"a","alg":"EdDSA","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	rfc8037JWS    = `eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.` +
		`hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg`

	rfc7520RSA = `{"kty":"RSA","alg":"RS256","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStg` +
		`Abgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2l` +
		`bzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8` +
		`lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw",` +
		`"e":"AQAB"}`
	rfc7520Secret  = `hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg`
	rfc7520Payload = `.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0` +
		`aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJl` +
		`IHN3ZXB0IG9mZiB0by4.`
)

func TestRFCSignatures(t *testing.T) {
	for _, row := range []struct {
		name, jwk, jws string
		payload        string // its first bytes
		highS          bool
	}{
		{"RFC 7515, A.1", "", `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9` + rfc7515Payload +
			`dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`, `{"iss":"joe"`, false},
		{"RFC 7515, A.2", rfc7515RSA, `eyJhbGciOiJSUzI1NiJ9` + rfc7515Payload +
			`cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb` +
			`F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383` +
			`LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy` +
			`wlVmtVrBp0igcN_IoypGlUPQGe77Rw`, `{"iss":"joe"`, false},
		{"RFC 7515, A.3", rfc7515EC, `eyJhbGciOiJFUzI1NiJ9` + rfc7515Payload +
			`DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`, `{"iss":"joe"`, true},
		{"RFC 8037, A.5", rfc8037Public, rfc8037JWS, "Example of Ed25519 signing", false},
		{"RFC 7520, 4.1", rfc7520RSA, `eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9` + rfc7520Payload +
			`MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB` +
			`-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxn` +
			`t8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcI` +
			`e8u9ipH84ogoree7vjbU5y18kDquDg`, "It’s a dangerous business", false},
		{"RFC 7520, 4.4", "", `eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9` +
			rfc7520Payload + `s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0`, "It’s a dangerous business", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var key token.Key
			switch {
			case row.jwk != "":
				key = publicKey(t, row.jwk)
			case strings.HasPrefix(row.name, "RFC 7515"):
				key = sharedKey(t, decode(t, rfc7515Secret))
			default:
				key = sharedKey(t, decode(t, rfc7520Secret))
			}
			payload, err := token.VerifyJWS(key, row.jws, row.highS)
			if err != nil || !strings.HasPrefix(payload, row.payload) {
				t.Errorf("%q, %v", payload, err)
			}
			if row.highS {
				if _, err := token.VerifyJWS(key, row.jws, false); err == nil {
					t.Error("strict verification accepts a high s")
				}
			}
			for at := range row.jws {
				if row.jws[at] == '.' {
					continue
				}
				other := row.jws[:at] + string(row.jws[at]^1) + row.jws[at+1:]
				if _, err := token.VerifyJWS(key, other, row.highS); err == nil {
					t.Errorf("byte %d was changed", at)
				}
			}
		})
	}
}

// The RFC vectors with algorithms that access tokens never use: RFC 7515, A.4 and A.5, and RFC
// 7520, sections 4.2 and 4.3.
func TestRFCAlgorithmsOutsideTheProfile(t *testing.T) {
	for _, header := range []string{
		`{"alg":"ES512"}`, `{"alg":"none"}`, `{"alg":"PS384","kid":"bilbo.baggins@hobbiton.example"}`,
		`{"alg":"ES512","kid":"bilbo.baggins@hobbiton.example"}`,
	} {
		for _, jwk := range []string{rfc7515RSA, rfc7515EC, rfc8037Public} {
			if _, err := token.VerifyJWS(publicKey(t, jwk), encode(header)+rfc7515Payload, true); err == nil {
				t.Errorf("%s was taken", header)
			}
		}
	}
}

func publicKey(t testing.TB, jwk string) token.Key {
	t.Helper()
	set, err := token.ParseForeignJWKS([]byte(`{"keys":[` + jwk + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return set.Keys()[0]
}

func sharedKey(t testing.TB, secret string) token.Key {
	t.Helper()
	shared, err := token.NewSharedKeys(auth.NewSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	signing, err := shared.SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := shared.Key(t.Context(), signing.ID())
	if err != nil {
		t.Fatal(err)
	}
	return key
}
