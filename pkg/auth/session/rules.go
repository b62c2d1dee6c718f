package session

import (
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Rules is how sessions move: the only place where times decide. Rules are values; the stores, the model checker and
// the simulator all use these very functions.
//
// Why it works. Every duplicate of a refresh gets a different, equally valid branch of the same generation. An
// honest client has one token store, so exactly one branch survives in it and goes on. Two holders of a copy must
// diverge, and the second branch presented for a generation is the proof.
type Rules struct {
	// GracePeriod is how long after a rotation a duplicate is answered without writing. Later ones stamp the
	// generation anew, so that their answers too land before the next rotation.
	GracePeriod time.Duration
	// MinimumInterval lets every answer in flight land before the next rotation. It is at least the grace period,
	// the longest flight of an answer, the longest flight of a request, and twice the largest difference between
	// clocks: 30 + 45 + 45 + 2 x 10 seconds.
	MinimumInterval time.Duration
	// LateUse bounds how long after a token was issued its parent may still be used. Without it a thief who keeps
	// using the parent stamps the generation anew again and again, and the victim's rotation starves unnoticed.
	LateUse time.Duration
	// RestoredUntil ends a declared window in which the table was restored from a backup: until then a table
	// that is older than an authentic token is moved up to it. Zero declares none.
	RestoredUntil time.Time
}

// DefaultRules returns the constants that the model checker has searched.
func DefaultRules() Rules {
	return Rules{GracePeriod: 30 * time.Second, MinimumInterval: 150 * time.Second, LateUse: 240 * time.Second}
}

// MinimumIdleTimeout returns the least idle timeout with which a client that keeps refreshing stays in: within the
// minimum interval a refresh writes nothing, and so does not slide the idle end.
func (r Rules) MinimumIdleTimeout() time.Duration { return 4 * r.MinimumInterval }

// Presented is a refresh token as a request presents it, and all that chance and the clock add to it.
type Presented struct {
	Token Token
	// Client is the client that the request names; nil where it names none.
	Client *auth.ClientID
	// Now is the one reading of the clock, in whole milliseconds, for the condition and for the decision.
	Now time.Time
	// Invocation and Fresh are random: the mark of this write, and the branch of its answer.
	Invocation Invocation
	Fresh      Branch
}

// Rotate returns the first write of a refresh.
func (r Rules) Rotate(p Presented) Update {
	u := Update{
		If:  Condition{LiveAt: p.Now, Client: p.Client},
		Set: Change{Activity: &Activity{At: p.Now}},
	}
	if p.Token.Profile == auth.Fixed {
		return u
	}
	generation, branch := p.Token.Generation, p.Token.Branch
	u.Set.Rotation = &Rotation{Generation: generation + 1, Parent: branch, At: p.Now, Invocation: p.Invocation}
	if p.Token.Profile == auth.Strict {
		u.If.AnyOf = []Match{{Generation: generation}}
	} else {
		u.If.AnyOf = []Match{
			{Generation: generation, RotatedBy: earlier(p.Now.Add(-r.MinimumInterval), r.parentEnd(p.Token))},
			{Generation: generation + 1, Parent: &branch, RotatedBy: p.Now.Add(-r.GracePeriod)},
		}
	}
	if p.Now.Before(r.RestoredUntil) && generation > 0 {
		u.If.AnyOf = append(u.If.AnyOf, Match{Below: generation})
	}
	return u
}

// Decision is what a refresh comes to.
type Decision struct {
	Outcome Outcome
	// Wrote says that the first write's condition held. A store that did otherwise is not to be believed.
	Wrote bool
	// Next is what the client's refresh token says from now on. Only where Outcome grants; for Same and Extended it
	// is the token presented.
	Next Token
	// Revoke is a second write that must succeed before the refusal is told; nil where there is none.
	Revoke *Update
	// Session is the item after the first write. It is the zero Session where the outcome is Missing.
	Session Session
}

// Decide returns what the refresh is, given the item as it was before the first write; nil stands for none.
func (r Rules) Decide(p Presented, before *Session) Decision {
	if before == nil {
		return Decision{Outcome: Missing}
	}
	d := Decision{Session: *before}
	d.Wrote = r.Rotate(p).Do(&d.Session)
	d.Outcome = r.outcome(p, before, d.Wrote)
	switch {
	case d.Outcome == Same || d.Outcome == Extended:
		d.Next = p.Token
	case d.Outcome.Grants():
		d.Next = p.Token
		d.Next.Generation, d.Next.Branch, d.Next.IssuedAt = p.Token.Generation+1, p.Fresh, p.Now.Truncate(time.Second)
	case d.Outcome.Theft():
		revoke := Revoke(p.Now, ReasonTheft)
		d.Revoke = &revoke
	}
	return d
}

// outcome is the table. Its order is its meaning: what has ended is ended, whoever asks; another client's request
// reveals and revokes nothing; our own retry is no duplicate.
func (r Rules) outcome(p Presented, before *Session, wrote bool) Outcome {
	t := p.Token
	if ended := before.ended(p.Now); ended != "" {
		return ended
	}
	switch {
	case p.Client != nil && *p.Client != before.Client:
		return ForeignClient
	case wrote && t.Profile == auth.Fixed:
		return Extended
	case wrote && before.Generation == t.Generation:
		return Rotated
	case wrote && before.Generation == t.Generation+1:
		return Recovered
	case wrote:
		return Restored
	case before.Invocation == p.Invocation && p.Invocation != Invocation{}:
		return Rotated // this very write took effect, and only its reply was lost
	case before.Generation < t.Generation:
		return Behind
	case t.Profile == auth.Strict:
		return Reuse
	case before.Generation == t.Generation && before.RotatedAt.After(r.parentEnd(t)):
		return Reuse // the parent was used long after its child was delivered
	case before.Generation == t.Generation:
		return Same
	case before.Generation == t.Generation+1 && before.Parent == t.Branch:
		return Duplicate
	case before.Generation == t.Generation+1:
		return Fork
	default:
		return Reuse
	}
}

// ended returns how the session has ended by now, or "".
func (s *Session) ended(now time.Time) Outcome {
	switch {
	case s.Revocation != nil:
		return Revoked
	case !s.AbsoluteEnd.After(now):
		return Absolute
	case !s.IdleEnd.After(now):
		return Idle
	}
	return ""
}

// Refresh is both writes of a refresh and its decision on an item in memory; nil stands for a missing item.
func (r Rules) Refresh(p Presented, s *Session) Decision {
	d := r.Decide(p, s)
	r.Rotate(p).Do(s)
	if d.Revoke != nil {
		d.Revoke.Do(s)
	}
	return d
}

// Revoke returns the update that ends a session for good.
func Revoke(at time.Time, reason Reason) Update {
	return Update{Set: Change{Revocation: &Revocation{At: at, Reason: reason}}}
}

// parentEnd is the instant after which the parent of t may no longer be used.
func (r Rules) parentEnd(t Token) time.Time { return t.IssuedAt.Add(r.LateUse) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
