// Package keyring holds the three rings of keys that a service uses. The keys of the signing ring
// sign access tokens. The keys of the refresh-token ring seal refresh tokens. The keys of the login
// ring seal known-device tokens and name throttle counters.
//
//	source, err := keyring.Open("file:.edgeauth/signing-ring.json")
//	signing, err := keyring.LoadSigning(ctx, source, 1, time.Now)
//	issuer, err := token.NewIssuer(token.IssuerConfig{Keys: signing, ...})
//
// A ring maps versions to keys. A caller that loads a ring names the version n that signs. Key n+1
// is published, so that every verifier knows it before its first token. Key n-1 is still accepted,
// so that a move from n-1 to n, and back, invalidates no token. docs/keys.md tells how keys rotate.
//
// The keys function makes the rings of a stack, moves them and drops keys. On a laptop and for your
// own program, "edgeauth keys init" makes three rings in files, "edgeauth keys rotate" moves them
// and "edgeauth keys drop" drops keys.
//
// After a drop, a version may have a new key. An instance that loaded the ring before the drop has
// the old key, so it loads the ring again before it treats a refresh token as forged.
package keyring
