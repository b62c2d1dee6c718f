// Package login decides whether an e-mail and a password open a session.
//
// # The order is the defence
//
//	slot of the attempt counter ─┐
//	pointer from the e-mail ─────┴─> user ─> hash ─> settle
//
// The slot is taken, by one write, before the password is looked at: guesses sent in parallel cannot all find the
// counter at zero. The pointer is read meanwhile. Without a slot the answer comes at once, so that a flood of guesses
// buys no hashing.
//
// From there on every login does the same work: one read of a user and one hash, whether the user exists or
// not, is disabled or not. Neither the answer nor the clock tells a stranger who has an account. Why a login was
// refused stands in the Refusal, for the audit log alone.
package login
