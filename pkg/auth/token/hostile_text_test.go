package token_test

import (
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// hostileText is a text that is not a token, or a token with an invalid signature.
type hostileText struct {
	name, text string
	want       token.Reason
}

func hostileTexts(t *testing.T) []hostileText {
	const alg = token.EdDSA
	good := sign(t, alg, goodHeader(alg), goodPayload)
	if _, err := verifierAt(t, instant).Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	header, payload, sig := parts[0], parts[1], parts[2]
	own := func(size int) string {
		payload := func(fill int) string {
			return put(t, goodPayload, `"jti":`, `"own":"`+strings.Repeat("x", fill)+`","jti":`)
		}
		fill := (size-len(good))*3/4 - 20
		for len(header)+len(encode(payload(fill)))+len(sig)+2 < size {
			fill++
		}
		return sign(t, alg, goodHeader(alg), payload(fill))
	}
	if text := own(8191); len(text) > token.MaxBytes {
		t.Fatalf("the largest has %d bytes", len(text))
	} else if _, err := verifierAt(t, instant).Verify(t.Context(), text); err != nil {
		t.Errorf("a token of %d bytes: %v", len(text), err)
	}
	unsigned := encode(`{"alg":"none","kid":"`+signingKeys()[alg].ID()+`","typ":"at+jwt"}`) + "." + payload + "."
	return []hostileText{
		{"empty", "", token.ReasonMalformed},
		{"one dot", header + "." + payload, token.ReasonMalformed},
		{"three dots", good + ".", token.ReasonMalformed},
		{"five segments", header + ".." + payload + "..", token.ReasonMalformed},
		{"only dots", "..", token.ReasonMalformed},
		{"above 8 KB", own(8193), token.ReasonTooLong},
		{"8 KB of junk", strings.Repeat("x", 8193), token.ReasonTooLong},
		{"padding of the signature", good + "==", token.ReasonMalformed},
		{"padding under the signature", signText(t, alg, header+"="+"."+payload), token.ReasonMalformed},
		{"line feed at the end", good + "\n", token.ReasonMalformed},
		{"line feed within", header + "." + payload + "." + sig[:40] + "\n" + sig[40:], token.ReasonMalformed},
		{"line feed under the signature", signText(t, alg, header+".\n"+payload), token.ReasonMalformed},
		{"carriage return under the signature", signText(t, alg, header[:8]+"\r"+header[8:]+"."+payload), token.ReasonMalformed},
		{"space before", " " + good, token.ReasonMalformed},
		{"NUL at the end", good + "\x00", token.ReasonMalformed},
		{"the other alphabet", header + "." + payload + "." + strings.Repeat("+/", 43), token.ReasonMalformed},
		{"beyond ASCII", signText(t, alg, header+"."+payload+"é"), token.ReasonMalformed},
		{"a scheme before", "Bearer " + good, token.ReasonMalformed},
		{"JSON serialization", `{"payload":"` + payload + `"}`, token.ReasonMalformed},
		{"no signature", header + "." + payload + ".", token.ReasonBadSignature},
		{"signature cut", good[:len(good)-2], token.ReasonBadSignature},
		{"signature and more", good + "AAAA", token.ReasonBadSignature},
		{"unsigned", unsigned, token.ReasonWrongAlgorithm},
		{"another payload", header + "." + encode(put(t, goodPayload, subject, "admin")) + "." + sig, token.ReasonBadSignature},
		{"signature before claims", header + "." + encode("{") + "." + sig, token.ReasonBadSignature},
		{"a line feed behind the header", signText(t, alg, header+"\n."+payload), token.ReasonMalformed},
		{"a line feed in the payload", signText(t, alg, header+"."+payload[:9]+"\n"+payload[9:]), token.ReasonMalformed},
		{"CR and LF at the end", good + "\r\n", token.ReasonMalformed},
		{"a line feed before", "\n" + good, token.ReasonMalformed},
		{"a tab behind", good + "\t", token.ReasonMalformed},
		{"a space under the signature", signText(t, alg, header+"."+payload+" "), token.ReasonMalformed},
		{"padding of the payload", signText(t, alg, header+"."+payload+"="), token.ReasonMalformed},
		{"four segments", good + "." + sig, token.ReasonMalformed},
		{"dots in a row", header + "..." + payload + "." + sig, token.ReasonMalformed},
		{"a dot before", "." + good, token.ReasonMalformed},
		{"no header", "." + payload + "." + sig, token.ReasonMalformed},
		{"no payload", header + ".." + sig, token.ReasonBadSignature},
		{"one character", "e", token.ReasonMalformed},
		{"an escaped dot", strings.Replace(good, ".", "%2E", 1), token.ReasonMalformed},
		{"a full-width dot", strings.Replace(good, ".", "．", 1), token.ReasonMalformed},
		{"a zero-width space", good + "\u200b", token.ReasonMalformed},
		{"quotes around", `"` + good + `"`, token.ReasonMalformed},
		{"twice", good + "," + good, token.ReasonMalformed},
		{"in small letters", strings.ToLower(good), token.ReasonMalformed},
		{"JSON serialization in full", `{"payload":"` + payload + `","protected":"` + header + `","signature":"` + sig + `"}`,
			token.ReasonMalformed},
		{"an encrypted token", header + "." + payload + "." + sig + "." + sig + "." + sig, token.ReasonMalformed},
		{"signed by another of our keys", header + "." + payload + "." + base64.RawURLEncoding.EncodeToString(
			signature(t, token.ES256, header+"."+payload)), token.ReasonBadSignature},
		{"signed by a stranger", stranger(t), token.ReasonBadSignature},
		{"HMAC by the public key as JWK", confused(string(signingKeys()[token.RS256].Public().JWK())), token.ReasonWrongAlgorithm},
		{"HMAC by the modulus", confused(members(t, string(signingKeys()[token.RS256].Public().JWK()))["n"]), token.ReasonWrongAlgorithm},
		{"HMAC by nothing", confused(""), token.ReasonWrongAlgorithm},
		{"a good token's signature", otherClaims(t, good), token.ReasonBadSignature},
	}
}

// stranger returns a token that an attacker's key signed. Its header has the kid of a known key.
func stranger(t *testing.T) string {
	t.Helper()
	key, err := token.GenerateSigningKey(token.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := encode(goodHeader(token.EdDSA)) + "." + encode(goodPayload)
	sig, err := jwt.SigningMethodEdDSA.Sign(signed, privateKey(t, key.JWK()))
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// confused returns a token with an HMAC whose secret is public knowledge (RFC 8725, section 2.1).
func confused(secret string) string {
	header := `{"alg":"HS256","kid":"` + signingKeys()[token.RS256].ID() + `","typ":"at+jwt"}`
	signed := encode(header) + "." + encode(goodPayload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(string(mac.Sum(nil)))
}

// otherClaims puts the signature of a valid token under other claims.
func otherClaims(t *testing.T, good string) string {
	t.Helper()
	parts := strings.Split(good, ".")
	return parts[0] + "." + encode(put(t, goodPayload, `"jti":`, `"roles":["admin"],"jti":`)) + "." + parts[2]
}

// hostileSignatures returns invalid signatures under a valid header and payload.
func hostileSignatures(t *testing.T) []hostileText {
	text := func(alg token.Algorithm, change func(sig []byte) []byte) string {
		signed := encode(goodHeader(alg)) + "." + encode(goodPayload)
		return signed + "." + base64.RawURLEncoding.EncodeToString(change(signature(t, alg, signed)))
	}
	order := elliptic.P256().Params().N
	number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	var rows []hostileText
	for _, row := range []struct {
		name   string
		alg    token.Algorithm
		change func([]byte) []byte
	}{
		{"RSA shorter by a zero", token.RS256, func(s []byte) []byte { return s[1:] }},
		{"RSA with a zero before", token.RS256, func(s []byte) []byte { return append([]byte{0}, s...) }},
		{"RSA with a zero behind", token.RS256, func(s []byte) []byte { return append(s, 0) }},
		{"RSA of zeros", token.RS256, func(s []byte) []byte { return make([]byte, len(s)) }},
		{"RSA plus the modulus", token.RS256, func(s []byte) []byte {
			n := number([]byte(decode(t, members(t, signingKeys()[token.RS256].JWK().Reveal())["n"])))
			return new(big.Int).Add(n, number(s)).FillBytes(make([]byte, len(s)+1))
		}},
		{"high s", token.ES256, func(s []byte) []byte {
			new(big.Int).Sub(order, number(s[32:])).FillBytes(s[32:])
			return s
		}},
		{"r plus the order", token.ES256, func(s []byte) []byte {
			r := new(big.Int).Add(order, number(s[:32]))
			return append(r.FillBytes(make([]byte, 33)), s[32:]...)
		}},
		{"r and s of zero", token.ES256, func(s []byte) []byte { return make([]byte, 64) }},
		{"ECDSA in ASN.1", token.ES256, func(s []byte) []byte {
			return slices.Concat([]byte{0x30, 68, 2, 32}, s[:32], []byte{2, 32}, s[32:])
		}},
		{"r of zero", token.ES256, func(s []byte) []byte { clear(s[:32]); return s }},
		{"s of zero", token.ES256, func(s []byte) []byte { clear(s[32:]); return s }},
		{"s of the order", token.ES256, func(s []byte) []byte { order.FillBytes(s[32:]); return s }},
		{"r and s exchanged", token.ES256, func(s []byte) []byte { return slices.Concat(s[32:], s[:32]) }},
		{"ECDSA shorter by an octet", token.ES256, func(s []byte) []byte { return s[:63] }},
		{"ECDSA with a zero behind", token.ES256, func(s []byte) []byte { return append(s, 0) }},
		{"Ed25519 shorter by an octet", token.EdDSA, func(s []byte) []byte { return s[:63] }},
		{"Ed25519 with a zero behind", token.EdDSA, func(s []byte) []byte { return append(s, 0) }},
		{"Ed25519 of zeros", token.EdDSA, func(s []byte) []byte { return make([]byte, 64) }},
		{"Ed25519 with S plus the order", token.EdDSA, func(s []byte) []byte {
			l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
			scalar := slices.Clone(s[32:])
			slices.Reverse(scalar)
			plus := new(big.Int).Add(l, number(scalar)).FillBytes(make([]byte, 32))
			slices.Reverse(plus)
			return append(s[:32:32], plus...)
		}},
	} {
		rows = append(rows, hostileText{row.name, text(row.alg, row.change), token.ReasonBadSignature})
	}
	return rows
}

func TestHostileTexts(t *testing.T) {
	for _, row := range slices.Concat(hostileTexts(t), hostileSignatures(t)) {
		t.Run(row.name, func(t *testing.T) { refused(t, row.text, row.want) })
	}
}
