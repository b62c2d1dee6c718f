// Package login decides whether an e-mail and a password may open a session.
//
//	who, err := login.New(login.Config{Users: users, Hasher: hasher, Counters: counters, Keys: keys})
//	result, err := who.Login(ctx, login.Credentials{Email: email, Password: password, Address: address})
//
// # The order is the defence
//
//	the network's slot ────┐      the account's slot ─┐
//	pointer of the e-mail ─┴────> user ───────────────┴─> hash ─> settle
//
// A login reserves an attempt with one write before it checks the password, so parallel guesses
// cannot all find a counter at zero. The reads run in parallel with the writes. If no attempt is
// free, the login is refused at once, so a flood of guesses causes no hashing. The network comes
// first, so a network without free attempts cannot use up the attempts of an account. A login that
// ends before its hash releases its reservations: neither a refusal by another counter nor an
// outage is charged.
//
// From there on, every login does the same work: one read of a user and one hash, whether the user
// exists, does not exist or is disabled. Neither the answer nor its time tells an attacker which
// accounts exist. Only the audit log gets the reason of a [Refusal].
//
// # How many guesses
//
// [Limits] holds the limits, and package throttle counts. Each login counts on its account and on
// its network.
//
// With these counters alone, an attacker who keeps guessing at an account could keep its owner out.
// A successful login therefore returns a known-device token, and a login with that token counts on
// the device instead. The token is accepted before the account is known, which saves a round trip.
// If the token belongs to another account, the login makes the reservations on network and account
// before the hash.
package login
