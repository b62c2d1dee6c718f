// Package keyrings makes the three rings of keys, moves them, and keeps them. The keys of the signing ring sign access tokens, those of the
// refresh-token ring seal refresh tokens, and those of the login ring seal known-device tokens and name throttle
// counters.
//
//	r, err := keyrings.Load(ctx, keyrings.File("refresh-keys.json"), keyrings.RefreshRing)
//	r, err = r.Move(keyrings.Move{Version: 4}, time.Now(), rand.Reader)
//	err = keyrings.Save(ctx, keyrings.File("refresh-keys.json"), r)
//
// A ring maps versions to keys. It only grows, except for keys that are dropped on purpose. The version that signs does
// not stand in the ring: a caller that loads a ring names a version n. Key n signs. Key n+1 is published, so that every
// verifier knows it long before its first token. Key n-1 is still accepted, so that a move from n-1 to n, and back, ends
// no token.
//
//	keys of the ring     1    2    3    4              signing ring          refresh-token and login ring
//	version 3 signs           ^    ^    ^              2, 3, 4 published     1 to 4 open
//
// Verifiers cache a key set for hours, so a move has rules, and [Ring.Move] holds them: a key signs only after it has been
// published for long enough, and is withdrawn only after its last token has ended. Move also drops keys that leaked. It
// depends on the ring, the request and the time alone. The keys function and the command line call it.
//
// A [Source] holds the text of one ring: a file of mode 0600, the text itself, or a secret of AWS Secrets Manager
// (package secretsmanager).
package keyrings
