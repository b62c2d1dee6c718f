package token_test

import (
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// The ways to derive another text from a token without its key.
const (
	replaceByte = iota
	insertByte
	deleteByte
	flipSignature // flips bits of one byte
	extendSignature
	otherSignature // the other value that verifies, if the algorithm has one
	ways
)

// FuzzMalleability: no text derived from a valid token without its key verifies, and a text that
// decodes is encoded again as the same text.
func FuzzMalleability(f *testing.F) {
	for alg := range algorithms {
		for how := range ways {
			f.Add(uint8(alg), "x", uint8(how), uint16(0), byte('\n'))
			f.Add(uint8(alg), "é", uint8(how), uint16(0xffff), byte('='))
			f.Add(uint8(alg), "", uint8(how), uint16(100), byte('.'))
		}
	}
	v := verifierAt(f, instant)
	f.Fuzz(func(t *testing.T, algorithm uint8, own string, how uint8, at uint16, with byte) {
		alg := algorithms[int(algorithm)%len(algorithms)]
		g := grant()
		g.Subject.Claims = map[string]any{"own": own}
		access, err := issuerOf(t, alg, nil).Issue(t.Context(), g)
		if err != nil {
			return // own is too long
		}
		good := access.Text.Reveal()
		if _, err := v.Verify(t.Context(), good); err != nil {
			t.Fatalf("%s: a valid token: %v", alg, err)
		}
		other := maul(t, alg, good, how, at, with)
		if printed, err := token.Print(other); err == nil && printed != other {
			t.Errorf("%q is encoded again as %q", other, printed)
		}
		if _, err := v.Verify(t.Context(), other); err == nil && other != good {
			t.Errorf("%s: %q and %q verify as one token", alg, good, other)
		}
	})
}

func maul(t *testing.T, alg token.Algorithm, good string, how uint8, at uint16, with byte) string {
	t.Helper()
	dot := strings.LastIndexByte(good, '.') + 1
	sig := []byte(decode(t, good[dot:]))
	i, j := int(at)%len(good), int(at)%len(sig)
	switch how % ways {
	case replaceByte:
		return good[:i] + string([]byte{with}) + good[i+1:]
	case insertByte:
		return good[:i] + string([]byte{with}) + good[i:]
	case deleteByte:
		return good[:i] + good[i+1:]
	case flipSignature:
		sig[j] ^= with
	case extendSignature:
		sig = append(sig, with)
	case otherSignature:
		sig = otherNumber(t, alg, sig)
	}
	return good[:dot] + base64.RawURLEncoding.EncodeToString(sig)
}

// edwardsOrder is the order L (RFC 8032, section 5.1).
var edwardsOrder, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

func otherNumber(t *testing.T, alg token.Algorithm, sig []byte) []byte {
	t.Helper()
	number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	switch alg {
	case token.RS256:
		n := number([]byte(decode(t, members(t, string(signingKeys()[alg].Public().JWK()))["n"])))
		return n.Add(n, number(sig)).FillBytes(make([]byte, len(sig)+1))
	case token.ES256:
		raise(sig)
		return sig
	default:
		slices.Reverse(sig[32:]) // to big-endian
		new(big.Int).Add(edwardsOrder, number(sig[32:])).FillBytes(sig[32:])
		slices.Reverse(sig[32:])
		return sig
	}
}

// The other value verifies unless the verifier refuses it. The standard library refuses it for
// Ed25519 and RSA, and package token refuses it for ECDSA.
func TestHighSVerifiesUnlessRefused(t *testing.T) {
	key := signingKeys()[token.ES256].Public()
	sig := signature(t, token.ES256, "text")
	if err := token.VerifySignature(key, []byte("text"), sig, false); err != nil {
		t.Fatal(err)
	}
	raise(sig)
	if err := token.VerifySignature(key, []byte("text"), sig, true); err != nil {
		t.Errorf("high s is refused though accepted by highS: %v", err)
	}
	if err := token.VerifySignature(key, []byte("text"), sig, false); err == nil {
		t.Error("high s is accepted")
	}
}
