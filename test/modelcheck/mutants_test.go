package modelcheck

import (
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// asBuilt are the rules as the product has them.
func asBuilt(p auth.Profile) Model { return Of(session.DefaultRules(), p) }

// with are rules whose constants are others.
func with(change func(*session.Rules)) Model {
	r := session.DefaultRules()
	change(&r)
	return Of(r, auth.Balanced)
}

func minimumInterval(d time.Duration) Model {
	return with(func(r *session.Rules) { r.MinimumInterval = d })
}

func lateUse(d time.Duration) Model {
	return with(func(r *session.Rules) { r.LateUse = d })
}

func gracePeriod(d time.Duration) Model {
	return with(func(r *session.Rules) { r.GracePeriod = d })
}

// where are rules that do something else where a refresh comes to an outcome.
func where(o session.Outcome, instead func(d *session.Decision, before session.Session, s *session.Session)) Model {
	m := asBuilt(auth.Balanced)
	m.Refresh = func(p session.Presented, s *session.Session) session.Decision {
		before := *s
		d := m.Rules.Refresh(p, s)
		if d.Outcome == o {
			instead(&d, before, s)
		}
		return d
	}
	return m
}

// What rules may do instead: take a duplicate for a copy, as a literal reading of reuse detection does; leave the
// item as it was, without the stamp of a recovery or without the tombstone.

func revokes(d *session.Decision, before session.Session, s *session.Session) {
	*s = before
	s.Revocation = &session.Revocation{Reason: session.ReasonTheft}
	d.Outcome = session.Reuse
}

func writesNothing(_ *session.Decision, before session.Session, s *session.Session) { *s = before }
