// Package keyring keeps the three rings of keys: the signing ring, whose keys sign access tokens; the refresh-token
// ring, whose keys seal refresh tokens; and the login ring, whose keys seal known-device tokens and name throttle
// counters.
//
// A ring maps versions to keys. It only grows, but for keys that are dropped on purpose. Which version signs does
// not stand in the ring: whoever loads one names a version n. Key n signs; key n+1 is published already, so that
// every verifier knows it long before its first token; key n-1 is still accepted, so that moving from n-1 to n, and
// back, ends no token.
//
//	keys of the ring     1    2    3    4              signing ring          refresh-token and login ring
//	version 3 signs           ^    ^    ^              2, 3, 4 published     1 to 4 open
//
// Where verifiers keep what they were told for hours, moving has rules, and Ring.Move holds them: a key signs only when
// it has been published for long enough, and leaves only when its last token has ended. It also drops keys that leaked.
// It is a function of the ring, what is asked and the time; whoever deploys calls it (functions/keys).
//
// A Source holds the text of one ring: a file of mode 0600, the text itself, or a secret of AWS Secrets Manager
// (package keyring/secretsmanager).
package keyring
