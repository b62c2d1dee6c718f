// Package throttle limits how often an action may be attempted, and makes an action possible only
// once. The caller names the limited action, for example logins to an account, logins from a
// network, or codes of a flow.
//
//	limiter, err := throttle.New(counters, keys)
//	slot, err := limiter.Take(ctx, throttle.Charge{Kind: "account", Text: key, Limit: limit, At: now})
//	var exceeded *throttle.Exceeded // if errors.As(err, &exceeded): answer 429 with exceeded.RetryAfter
//	defer limiter.Settle(ctx, slot, throttle.EndingSucceeded)
//
// An attempt is reserved before it is made, by one conditional write, so that a thousand parallel
// attempts cannot all read the same count. The names of counters are keyed hashes, so that a reader
// of the table finds no e-mail and no IP address.
//
// Package throttle knows neither AWS nor HTTP. [Update] is the single definition of a counter's
// rules, and every store of [Counters] must behave like it.
package throttle
