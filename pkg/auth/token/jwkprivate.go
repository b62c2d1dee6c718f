package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/edgeauth/edgeauth/internal/strictjson"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// ParseSigningKey reads a private JWK. It requires kty, alg and all public and private members (RFC
// 7518, section 6; RFC 8037, section 2). If kid is present, it must be the thumbprint of the key.
// No error contains key material.
func ParseSigningKey(jwk auth.Secret) (SigningKey, error) {
	key, err := parseSigningKey([]byte(jwk.Reveal()))
	if err != nil {
		return SigningKey{}, fmt.Errorf("signing key: %w", err)
	}
	return key, nil
}

func parseSigningKey(jwk []byte) (SigningKey, error) {
	object, err := strictjson.Object(jwk)
	if err != nil {
		return SigningKey{}, err
	}
	m := members(object)
	alg, public, err := m.public("sign", ours)
	if err != nil {
		return SigningKey{}, err
	}
	private, err := m.private(public)
	if err != nil {
		return SigningKey{}, err
	}
	key, err := newSigningKey(alg, private)
	if err != nil {
		return SigningKey{}, err
	}
	if kid, err := m.text("kid"); m["kid"] != nil && (err != nil || kid != key.ID()) {
		return SigningKey{}, fmt.Errorf("kid must be the RFC 7638 thumbprint %s", key.ID())
	}
	return key, nil
}

var errHalves = errors.New("the private members do not match the public members")

// private reads the private key that belongs to public.
func (m members) private(public crypto.PublicKey) (crypto.Signer, error) {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return m.rsaPrivate(public)
	case *ecdsa.PublicKey:
		d, err := m.bytes("d", p256Bytes)
		if err != nil {
			return nil, err
		}
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
		if err != nil || !private.PublicKey.Equal(public) {
			return nil, errHalves
		}
		return private, nil
	default:
		d, err := m.bytes("d", ed25519.SeedSize)
		if err != nil {
			return nil, err
		}
		private := ed25519.NewKeyFromSeed(d)
		if !private.Public().(ed25519.PublicKey).Equal(public) {
			return nil, errHalves
		}
		return private, nil
	}
}

func (m members) rsaPrivate(public *rsa.PublicKey) (crypto.Signer, error) {
	if m["oth"] != nil {
		return nil, errors.New("the key has more than two primes")
	}
	values := map[string]*big.Int{}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi"} {
		value, err := m.integer(name)
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	private := &rsa.PrivateKey{PublicKey: *public, D: values["d"], Primes: []*big.Int{values["p"], values["q"]}}
	private.Precompute()
	if private.Validate() != nil {
		return nil, errHalves
	}
	of := private.Precomputed
	if of.Dp.Cmp(values["dp"]) != 0 || of.Dq.Cmp(values["dq"]) != 0 || of.Qinv.Cmp(values["qi"]) != 0 {
		return nil, errHalves
	}
	return private, nil
}

// privateMembers returns the members that members.private reads, and the public members.
func privateMembers(private crypto.Signer) (map[string]string, error) {
	encode := base64.RawURLEncoding.EncodeToString
	all := publicMembers(private.Public())
	switch private := private.(type) {
	case *rsa.PrivateKey:
		for name, value := range map[string]*big.Int{
			"d": private.D, "p": private.Primes[0], "q": private.Primes[1],
			"dp": private.Precomputed.Dp, "dq": private.Precomputed.Dq, "qi": private.Precomputed.Qinv,
		} {
			all[name] = encode(value.Bytes())
		}
	case *ecdsa.PrivateKey:
		d, err := private.Bytes()
		if err != nil {
			return nil, err
		}
		all["d"] = encode(d)
	case ed25519.PrivateKey:
		all["d"] = encode(private.Seed())
	}
	return all, nil
}
