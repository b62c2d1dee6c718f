package modelcheck

import (
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// asBuilt returns the default rules.
func asBuilt(p auth.Profile) Model { return Of(session.DefaultRules(), p) }

// with returns the default rules with changed constants.
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

func handover(d time.Duration) Model { return with(func(r *session.Rules) { r.Handover = d }) }

// unpaused returns rules by which the old session goes on as before during a handover.
func unpaused(m Model) Model {
	m.Refresh = func(p session.Presented, s *session.Session) session.Decision {
		until := s.PausedUntil
		s.PausedUntil = time.Time{}
		d := m.Rules.Refresh(p, s)
		s.PausedUntil = until
		return d
	}
	return m
}

// where returns the default rules, changed for one outcome: a refresh with this outcome calls
// instead.
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

// Changes for where. revokes treats a duplicate as a copy, like a literal reading of reuse
// detection. writesNothing leaves the item as it was, without a recovery's stamp or a theft's
// tombstone.

func revokes(d *session.Decision, before session.Session, s *session.Session) {
	*s = before
	s.Revocation = &session.Revocation{Reason: session.RevocationTheft}
	d.Outcome = session.OutcomeReuse
}

func writesNothing(_ *session.Decision, before session.Session, s *session.Session) { *s = before }
