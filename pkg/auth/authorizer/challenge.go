package authorizer

import (
	"strconv"
	"time"
)

// staleLogin is the error code of RFC 9470, section 3: the client asks its user to log in again.
const staleLogin = "insufficient_user_authentication"

// The keys of the context in which a REST API finds the challenge of a refusal. A gateway response
// for ACCESS_DENIED repeats them. The gateway has a key error of its own.
const (
	keyRefusal = "refusal"
	keyMaxAge  = "max_age"
)

// maxAge returns MaxAuthAge in whole seconds, which round down: a login that is a second younger is
// asked for, and never one that is refused again.
func (r *Rule) maxAge() int64 { return int64(r.MaxAuthAge / time.Second) }

// appendChallenge adds the challenge of a stale login to a context, which ends with "}". A context
// never is empty. Every other decision leaves the context as it is, because a gateway may cache it
// with the policy; with max_auth_age, the cache must be off.
func appendChallenge(to []byte, d decision) []byte {
	if d.Reason != reasonStaleLogin {
		return to
	}
	to = append(to[:len(to)-1], `,"`+keyRefusal+`":"`+staleLogin+`","`+keyMaxAge+`":"`...)
	return append(strconv.AppendInt(to, d.Unmet.maxAge(), 10), `"}`...)
}
