package token_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// vectors is a Wycheproof file. An unknown field or flag fails the test, because it may require a
// check that does not exist here.
type vectors struct {
	Algorithm     string   `json:"algorithm"`
	Schema        string   `json:"schema"`
	NumberOfTests int      `json:"numberOfTests"`
	Header        []string `json:"header"`
	Notes         map[string]struct {
		BugType     string   `json:"bugType"`
		Description string   `json:"description"`
		Effect      string   `json:"effect"`
		Links       []string `json:"links"`
		CVEs        []string `json:"cves"`
	} `json:"notes"`
	TestGroups []vectorGroup `json:"testGroups"`
}

type vectorGroup struct {
	Type         string            `json:"type"`
	Source       map[string]string `json:"source"`
	Comment      string            `json:"comment"`
	Private      json.RawMessage   `json:"private"` // a JWK or a JWKS
	Public       json.RawMessage   `json:"public"`
	PublicKey    json.RawMessage   `json:"publicKey"`
	PublicKeyASN string            `json:"publicKeyAsn"`
	PublicKeyDER string            `json:"publicKeyDer"`
	PublicKeyPEM string            `json:"publicKeyPem"`
	PublicKeyJWK json.RawMessage   `json:"publicKeyJwk"`
	KeyJWK       json.RawMessage   `json:"keyJwk"`
	KeySize      int               `json:"keySize"`
	SHA          string            `json:"sha"`
	Tests        []vector          `json:"tests"`
}

type vector struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Flags   []string `json:"flags"`
	JWS     string   `json:"jws"`
	Message string   `json:"msg"`
	Sig     string   `json:"sig"`
	Result  string   `json:"result"`
}

// The known flags. The files explain them; no flag changes the expected result.
var knownFlags = map[string]string{
	"JsonWebSignature": "AlgIsNone JsonSerialization ModifiedPadding ModifiedSignature WrongPrimitive",
	"JsonWebKey":       "Ambiguous DuplicateKid MixedKeySet",
	"EcdsaP1363Verify": "ArithmeticError EdgeCasePublicKey EdgeCaseShamirMultiplication IntegerOverflow " +
		"InvalidSignature ModifiedInteger ModularInverse PointDuplication RangeCheck SignatureSize SmallRandS SpecialCaseHash ValidSignature",
	"EddsaVerify": "CompressedSignature InvalidEncoding InvalidKtv InvalidSignature Ktv SignatureMalleability " +
		"SignatureWithGarbage TinkOverflow TruncatedSignature Valid",
	"RsassaPkcs1Verify": "BerEncodedPadding EdgeCaseSignature InvalidAsnInPadding InvalidPadding InvalidSignature " +
		"MissingNull ModifiedPadding NoHash ShortPadding SignatureMalleability SmallPublicKey SmallSignature WrongHash " +
		"WrongPrimitive",
}

func readVectors(t *testing.T, name string) vectors {
	t.Helper()
	text, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	count := 0
	for _, g := range v.TestGroups {
		known := strings.Fields(knownFlags[g.Type])
		for _, test := range g.Tests {
			count++
			for _, flag := range test.Flags {
				if !slices.Contains(known, flag) {
					t.Errorf("%s: test %d has the unknown flag %q", name, test.ID, flag)
				}
			}
			if !slices.Contains([]string{"valid", "invalid", "acceptable"}, test.Result) {
				t.Errorf("%s: test %d has the unknown result %q", name, test.ID, test.Result)
			}
		}
	}
	if count == 0 || count != v.NumberOfTests {
		t.Fatalf("%s: %d tests, and it says %d", name, count, v.NumberOfTests)
	}
	return v
}

// tally counts the tests of a file: accepted and refused as expected, or left out, with the reason.
type tally struct {
	taken, refused int
	leftOut        map[string]int
}

func (c *tally) leave(why string) {
	if c.leftOut == nil {
		c.leftOut = map[string]int{}
	}
	c.leftOut[why]++
}

func (c *tally) check(t *testing.T, test vector, taken bool) {
	t.Helper()
	if want := test.Result == "valid"; taken != want {
		t.Errorf("test %d (%s, %s): taken is %v", test.ID, test.Comment, test.Result, taken)
	}
	if taken {
		c.taken++
	} else {
		c.refused++
	}
}

func (c *tally) String() string {
	text := fmt.Sprintf("%d taken, %d refused", c.taken, c.refused)
	for _, why := range slices.Sorted(maps.Keys(c.leftOut)) {
		text += fmt.Sprintf(", %d left out: %s", c.leftOut[why], why)
	}
	return text
}

// Reasons to leave out a test.
const (
	whyAlgorithm = "another algorithm, whose keys are refused"
	whySet       = "symmetric keys in a set are refused"
	whyExponent  = "an exponent below 65537, which is refused"
	// Tests 367 and 370 are labelled as padding tests but have the text of the valid test 357.
	// Tests 372 and 373 have a stray character but are labelled valid.
	whySwapped = "labels that are swapped"
)

// verdict runs one test. A non-empty leftOut is the reason to leave the test out.
type verdict func(t *testing.T, g vectorGroup, test vector) (taken bool, leftOut string)

func TestWycheproof(t *testing.T) {
	for _, row := range []struct {
		file string
		run  verdict
		want tally
	}{
		{"json_web_signature_test.json", verifyVectorJWS, tally{18, 353, map[string]int{whyAlgorithm: 26, whySwapped: 4}}},
		{"json_web_key_test.json", verifyVectorJWK, tally{1, 21, map[string]int{whySet: 4}}},
		{"ecdsa_secp256r1_sha256_p1363_test.json", verifyVectorECDSA, tally{173, 89, nil}},
		{"ed25519_test.json", verifyVectorEd25519, tally{88, 63, nil}},
		{"rsa_signature_2048_sha256_test.json", verifyVectorRSA, tally{7, 250, map[string]int{whyExponent: 2}}},
		{"rsa_signature_3072_sha256_test.json", verifyVectorRSA, tally{7, 251, map[string]int{whyExponent: 1}}},
		{"rsa_signature_4096_sha256_test.json", verifyVectorRSA, tally{7, 251, nil}},
		{"rsa_signature_8192_sha256_test.json", verifyVectorRSA, tally{7, 251, nil}},
	} {
		t.Run(row.file, func(t *testing.T) {
			var got tally
			for _, g := range readVectors(t, row.file).TestGroups {
				for _, test := range g.Tests {
					taken, leftOut := row.run(t, g, test)
					if leftOut != "" {
						got.leave(leftOut)
						continue
					}
					got.check(t, test, taken)
				}
			}
			if got.String() != row.want.String() {
				t.Errorf("got  %s\nwant %s", &got, &row.want)
			}
			t.Log(&got)
		})
	}
}

// verifyVectorJWS loads the key of the group as a key of this issuer.
func verifyVectorJWS(t *testing.T, g vectorGroup, test vector) (bool, string) {
	key, err := vectorKey(t, g)
	switch {
	case err != nil && test.Result == "valid":
		return false, whyAlgorithm
	case err != nil:
		return false, ""
	}
	_, err = token.VerifyJWS(key, test.JWS, true)
	sameAsValid := func(other vector) bool { return other.JWS == test.JWS && other.Result == "valid" }
	if test.Result == "invalid" && slices.ContainsFunc(g.Tests, sameAsValid) ||
		test.Result == "valid" && strings.Contains(test.JWS, "?") {
		return false, whySwapped
	}
	return err == nil, ""
}

func vectorKey(t *testing.T, g vectorGroup) (token.Key, error) {
	t.Helper()
	var private struct{ Kty, Alg, K string }
	if err := json.Unmarshal(g.Private, &private); err != nil {
		t.Fatal(err)
	}
	if private.Kty == "oct" && private.Alg == "HS256" {
		return sharedKey(t, decode(t, private.K)), nil
	}
	set, err := token.ParseJWKS([]byte(`{"keys":[` + string(g.Public) + `]}`))
	if err != nil {
		return token.Key{}, err
	}
	return set.Keys()[0], nil
}

// verifyVectorJWK loads the key set of the group as a set of this issuer. Such a set never holds
// symmetric keys.
func verifyVectorJWK(_ *testing.T, g vectorGroup, test vector) (bool, string) {
	text := g.Public
	if text == nil {
		text = g.Private
	}
	keys, err := token.ParseJWKS(text)
	if err != nil {
		if test.Result == "valid" {
			return false, whySet
		}
		return false, ""
	}
	return slices.ContainsFunc(keys.Keys(), func(key token.Key) bool {
		_, err := token.VerifyJWS(key, test.JWS, true)
		return err == nil
	}), ""
}

// verifyVectorECDSA also checks that strict verification accepts exactly the valid signatures with
// a low s.
func verifyVectorECDSA(t *testing.T, g vectorGroup, test vector) (bool, string) {
	var public struct{ Uncompressed string }
	if err := json.Unmarshal(g.PublicKey, &public); err != nil {
		t.Fatal(err)
	}
	point := unhex(t, public.Uncompressed)
	key := publicKey(t, fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"a","x":%q,"y":%q}`,
		encode(string(point[1:33])), encode(string(point[33:]))))
	message, signature := unhex(t, test.Message), unhex(t, test.Sig)
	taken := token.VerifySignature(key, message, signature, true) == nil
	strict := token.VerifySignature(key, message, signature, false) == nil
	if low := len(signature) == 64 && isLow(signature); strict != (taken && low) {
		t.Errorf("test %d: taken is %v, s is low is %v, and strict verification says %v", test.ID, taken, low, strict)
	}
	return taken, ""
}

func verifyVectorEd25519(t *testing.T, g vectorGroup, test vector) (bool, string) {
	var public struct{ PK string }
	if err := json.Unmarshal(g.PublicKey, &public); err != nil {
		t.Fatal(err)
	}
	key := publicKey(t, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"a","x":%q}`,
		encode(string(unhex(t, public.PK)))))
	return token.VerifySignature(key, unhex(t, test.Message), unhex(t, test.Sig), false) == nil, ""
}

func verifyVectorRSA(t *testing.T, g vectorGroup, test vector) (bool, string) {
	set, err := token.ParseForeignJWKS([]byte(`{"keys":[` + string(g.KeyJWK) + `]}`))
	if err != nil {
		if !strings.Contains(err.Error(), "exponent must") {
			t.Fatal(err)
		}
		return false, whyExponent
	}
	err = token.VerifySignature(set.Keys()[0], unhex(t, test.Message), unhex(t, test.Sig), false)
	return err == nil, ""
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWycheproofKeysAreRefusedForTheirReason(t *testing.T) {
	for _, g := range readVectors(t, "json_web_key_test.json").TestGroups {
		want := map[string]string{
			"jws_rsa_roca_key": "ROCA", "keysize_too_small": "1024 bits", "exponentOne": "exponent must",
			"invalid_use": "use must", "invalid_point": "not on the curve", "wrong_curve": "crv must",
			"wrong_algorithm": "alg must", "invalid_algorithm": "alg must",
		}[g.Comment]
		if want == "" {
			continue
		}
		if _, err := token.ParseJWKS(g.Public); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", g.Comment, err)
		}
	}
}
