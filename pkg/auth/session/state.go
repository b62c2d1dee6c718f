package session

import (
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Over returns how a session of the user of has ended at now, or "" if a refresh could continue it.
// of must come from a read of the user. Over reads nothing and decides nothing: an operator's list of
// sessions shows it.
func (r Rules) Over(s Session, of auth.Subject, now time.Time) Outcome {
	if ended := r.ended(&s, millis(now)); ended != "" {
		return ended
	}
	return subjectOutcome(of, nil, s)
}
