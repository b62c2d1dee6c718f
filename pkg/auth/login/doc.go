// Package login decides if an e-mail and a password open a session.
//
//	limiter, err := login.NewThrottle(counters, keys, login.DefaultLimits())
//	who, err := login.New(login.Config{Users: users, Hasher: hasher, Attempts: limiter, Keys: keys})
//	result, err := who.Login(ctx, login.Credentials{Email: email, Password: password, Address: address})
//
// # The order is the defence
//
//	the network's slot ────┐      the account's slot ─┐
//	pointer of the e-mail ─┴────> user ───────────────┴─> hash ─> settle
//
// A slot is taken by one write before the password is looked at: guesses sent in parallel cannot all find a counter at
// zero. The reads run meanwhile. Without a slot the answer comes at once, so a flood of guesses buys no hashing. The
// network's slot comes first, so a network without slots cannot use up an account's. A login that ends before its hash
// gives back what it took: neither a refusal by the other counter nor an outage is charged.
//
// From there on every login does the same work: one read of a user and one hash. This holds if the user exists, does not
// exist, or is disabled. So neither the answer nor its time tells a stranger who has an account. The reason of a refusal
// stands in the [Refusal], for the audit log alone.
//
// # How many guesses
//
// [Limits] say how many, and package throttle counts. [Throttle] counts each login on its account and its network.
//
// These counters alone would let a stranger who hammers an account keep its owner out. So a good login gives the client
// a known-device token (tokens.go), and a login with that token is counted on the device instead. The token is believed
// before the account of the e-mail is known, which saves a round trip. If the token turns out to be another account's,
// the login takes the other two slots before the hash.
package login
