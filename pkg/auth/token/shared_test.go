package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	newSecret = "a secret of thirty-two bytes, new"
	oldSecret = "a secret of thirty-two bytes, old"
)

func sharedKeys(t testing.TB) token.SharedKeys {
	t.Helper()
	keys, err := token.NewSharedKeys(auth.NewSecret(newSecret), auth.NewSecret(oldSecret))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func sharedVerifier(t *testing.T, keys token.Keys) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: keys, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func issueShared(t *testing.T, keys token.SigningKeys) string {
	t.Helper()
	access, err := issuerOf(t, token.EdDSA, func(c *token.IssuerConfig) { c.Keys = keys }).Issue(t.Context(), grant())
	if err != nil {
		t.Fatal(err)
	}
	return access.Text.Reveal()
}

func TestSharedKeysIssueAndVerify(t *testing.T) {
	keys := sharedKeys(t)
	before, err := token.NewSharedKeys(auth.NewSecret(oldSecret))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := token.NewSharedKeys(auth.NewSecret(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	good := issueShared(t, keys)
	for _, row := range []struct {
		name, text string
		keys       token.Keys
		want       token.Reason
	}{
		{"by the key that signs", good, keys, ""},
		{"by the one before", issueShared(t, before), keys, ""},
		{"by a stranger", issueShared(t, stranger), keys, token.ReasonUnknownKey},
		{"MAC cut off", good[:strings.LastIndexByte(good, '.')+41], keys, token.ReasonBadSignature},
		{"MAC and more", good + "AAAA", keys, token.ReasonBadSignature},
		{"public key under shared ones", issue(t, token.EdDSA, grant()).Text.Reveal(), keys, token.ReasonUnknownKey},
		{"shared key under public ones", good, publicKeys(t), token.ReasonUnknownKey},
		{"a source that mixes them, public", issue(t, token.EdDSA, grant()).Text.Reveal(), mixed{keys, publicKeys(t)}, ""},
		{"a source that mixes them, shared", good, mixed{keys, publicKeys(t)}, token.ReasonWrongAlgorithm},
	} {
		_, err := sharedVerifier(t, row.keys).Verify(t.Context(), row.text)
		if token.ReasonOf(err) != row.want || (err == nil) != (row.want == "") {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}

// mixed looks up shared keys first, then public keys.
type mixed struct {
	shared token.SharedKeys
	public token.KeySet
}

func (m mixed) Key(ctx context.Context, kid string) (token.Key, error) {
	if key, err := m.shared.Key(ctx, kid); err == nil {
		return key, nil
	}
	return m.public.Key(ctx, kid)
}

func TestSharedKeysAreInNoSet(t *testing.T) {
	keys := sharedKeys(t)
	signing, err := keys.SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Key(t.Context(), signing.ID())
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]token.Key{"the key": key, "the signing key's public half": signing.Public()} {
		if _, err := token.NewKeySet(signingKeys()[token.EdDSA].Public(), key); err == nil {
			t.Errorf("%s is in a set", name)
		}
	}
	if _, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: keys, Others: others(t), Now: clock,
	}); err == nil || !strings.Contains(err.Error(), "SharedKeys") {
		t.Errorf("shared keys beside public ones: %v", err)
	}
	if _, err := token.ParseAlgorithm(string(token.HS256)); err == nil {
		t.Error("HS256 can be configured")
	}
	if jwk := signing.JWK().Reveal(); jwk != "" {
		t.Errorf("the signing key's JWK is %s", jwk)
	}
}

func TestSharedKeysAreNeverPrinted(t *testing.T) {
	keys := sharedKeys(t)
	signing, err := keys.SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Key(t.Context(), signing.ID())
	if err != nil {
		t.Fatal(err)
	}
	type hidden struct{ k any }
	for _, v := range []any{keys, &keys, key, &key, signing, hidden{keys}, hidden{key}} {
		text, _ := json.Marshal(v)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text = fmt.Appendf(text, verb, v)
		}
		for _, form := range []string{newSecret, fmt.Sprintf("%x", newSecret), strings.Trim(fmt.Sprint([]byte(newSecret)), "[]")} {
			if strings.Contains(string(text), form) {
				t.Errorf("%T is printed as %s", v, text)
			}
		}
	}
	if strings.Contains(string(key.JWK()), `"k"`) {
		t.Errorf("the key's JWK is %s", key.JWK())
	}
}

func TestNewSharedKeysRefuses(t *testing.T) {
	secret := auth.NewSecret
	for _, row := range []struct {
		name   string
		signs  auth.Secret
		verify []auth.Secret
		want   string
	}{
		{"none", auth.Secret{}, nil, "number 1 must hold at least 32"},
		{"31 bytes", secret(strings.Repeat("x", 31)), nil, "number 1 must hold at least 32"},
		{"a short one to verify", secret(newSecret), []auth.Secret{secret("short")}, "number 2 must"},
		{"one twice", secret(newSecret), []auth.Secret{secret(oldSecret), secret(newSecret)}, "number 3 repeats"},
		{"32 bytes", secret(strings.Repeat("x", 32)), nil, ""},
	} {
		_, err := token.NewSharedKeys(row.signs, row.verify...)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	var zero token.SharedKeys
	if _, err := zero.SigningKey(t.Context()); err == nil {
		t.Error("the zero SharedKeys sign")
	}
	if _, err := zero.Key(t.Context(), ""); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("the zero SharedKeys know a key: %v", err)
	}
	if _, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: zero, Now: clock,
	}); err == nil || !strings.Contains(err.Error(), "Keys must") {
		t.Errorf("the zero SharedKeys verify: %v", err)
	}
}
