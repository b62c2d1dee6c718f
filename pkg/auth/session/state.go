package session

import (
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Over returns how a session has ended at now, or "" if a refresh could continue it. of is the
// session's user and must come from a read. Over reads nothing. It is for an operator's list of
// sessions, and decides nothing.
func (r Rules) Over(s Session, of auth.Subject, now time.Time) Outcome {
	if ended := r.ended(&s, millis(now)); ended != "" {
		return ended
	}
	return subjectOutcome(of, nil, s)
}
