// Package login decides whether an e-mail and a password open a session.
//
// # The order is the defence
//
//	the network's slot ────┐      the account's slot ─┐
//	pointer of the e-mail ─┴────> user ───────────────┴─> hash ─> settle
//
// A slot is taken by one write, before the password is looked at: guesses sent in parallel cannot all find a counter at
// zero. The reads go on meanwhile. Without a slot the answer comes at once, so that a flood of guesses buys no hashing.
// The network comes first, so that one without slots cannot use up an account's; and whatever ends a login before its hash
// gives back what it took, so that neither the other counter nor an outage is charged to anybody.
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
// the login takes the other two slots after all, before the hash.
package login
