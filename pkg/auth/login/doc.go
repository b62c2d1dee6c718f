// Package login decides whether an e-mail and a password open a session.
//
// # The order is the defence
//
//	slots of the attempt counters ─┐
//	pointer from the e-mail ───────┴─> user ─> hash ─> settle
//
// The slots are taken, by one write each and all at the same time, before the password is looked at: guesses sent in
// parallel cannot all find a counter at zero. The pointer is read meanwhile. Without a slot the answer comes at once, so
// that a flood of guesses buys no hashing.
//
// From there on every login does the same work: one read of a user and one hash, whether the user exists or
// not, is disabled or not. Neither the answer nor the clock tells a stranger who has an account. Why a login was
// refused stands in the Refusal, for the audit log alone.
//
// # How many guesses
//
// A Limit says it (limit.go), as a write that is a value (counter.go): Update.Do defines what it means, and a store of
// Counters only has to equal it. Throttle (throttle.go) counts each login on its account and its network.
//
// That alone would let a stranger who hammers an account keep its owner out. So a good login gives the client a
// known-device token (tokens.go), and a login that brings it back is counted on the device instead. The token is
// believed before anybody knows whose account the e-mail is, which saves a round trip; if it turns out to be another's,
// the login takes its slots of account and network after all, before the hash.
package login
