// Package throttle limits how often something may be tried, and lets something be done once. What is limited is named by
// the caller: a login to an account, a login from a network, a code of a flow.
//
//	limiter, err := throttle.New(counters, keys)
//	slot, err := limiter.Take(ctx, throttle.Charge{Kind: "account", Text: key, Limit: limit, At: now})
//	var exceeded *throttle.Exceeded // if errors.As(err, &exceeded): answer 429 with exceeded.RetryAfter
//	defer limiter.Settle(ctx, slot, throttle.Succeeded)
//
// A slot is taken before the attempt, by one conditional write: a thousand attempts at the same time cannot all read the
// same count. The names of counters are keyed hashes, so that a reader of the table finds no e-mail and no address.
//
// Package throttle knows no AWS and no HTTP. [Update] is the one definition of a counter's rules, and a store of
// [Counters] only has to equal it.
package throttle
