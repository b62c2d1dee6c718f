// Package keyrings creates, moves and stores the three key rings. The keys of the signing ring sign
// access tokens. The keys of the refresh-token ring seal refresh tokens. The keys of the login ring
// seal known-device tokens and name throttle counters.
//
//	r, err := keyrings.Load(ctx, keyrings.File("refresh-keys.json"), keyrings.RefreshRing)
//	r, err = r.Move(keyrings.Move{Version: 4}, time.Now(), rand.Reader)
//	err = keyrings.Save(ctx, keyrings.File("refresh-keys.json"), r)
//
// A ring maps versions to keys. Keys leave a ring only if they are dropped on purpose or are too
// old to be of use. The ring does not fix the version that signs: a caller that loads a ring names
// a version n. Key n signs. Key n+1 is published, so that every verifier knows it long before its
// first token. Key n-1 is still accepted, so that a move from n-1 to n, or back, ends no token.
//
//	keys of the ring     1    2    3    4        signing ring        refresh-token and login ring
//	version 3 signs           ^    ^    ^        2, 3, 4 published   1 to 4 open
//
// Verifiers cache a key set for hours, so [Ring.Move] enforces two rules. A key signs only after it
// has been published for long enough. A key is withdrawn only after its last token has ended. Move
// also drops leaked keys. Its result depends only on the ring, the request, the time and the random
// source. The keys function and the command line call it.
//
// A [Source] holds the text of one ring: a file of mode 0600, the text itself, or a secret in AWS
// Secrets Manager (package secretsmanager).
package keyrings
