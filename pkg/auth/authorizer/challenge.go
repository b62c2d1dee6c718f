package authorizer

import (
	"strconv"
	"time"
)

// staleLogin is the error code of RFC 9470, section 3: the client asks its user to log in again.
const staleLogin = "insufficient_user_authentication"

// Context keys in which a REST API finds the challenge of a refusal. A gateway response for
// ACCESS_DENIED repeats them. API Gateway reserves the key error.
const (
	keyRefusal = "refusal"
	keyMaxAge  = "max_age"
)

// maxAge returns MaxAuthAge in whole seconds, rounded down. If it were rounded up, a login that
// satisfies the challenge could be refused again.
func (r *Rule) maxAge() int64 { return int64(r.MaxAuthAge / time.Second) }

// appendChallenge adds the challenge of a stale login to a context, which ends with "}" and is
// never empty. For every other decision it leaves the context unchanged, because a gateway may
// cache the context with the policy. With max_auth_age, the cache must be off.
func appendChallenge(to []byte, d decision) []byte {
	if d.Reason != reasonStaleLogin {
		return to
	}
	to = append(to[:len(to)-1], `,"`+keyRefusal+`":"`+staleLogin+`","`+keyMaxAge+`":"`...)
	return append(strconv.AppendInt(to, d.Unmet.maxAge(), 10), `"}`...)
}
