package session

import (
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Rules decides how sessions move. No other type holds these durations. Rules are values: the
// stores, the model checker and the simulator use the same functions.
//
// Why theft is detected: every duplicate of a refresh gets a different, equally valid branch of the
// same generation. An honest client has one token store, so exactly one branch survives in it and
// continues. Two holders of copied tokens must diverge. The second branch that is presented for a
// generation proves the copy.
type Rules struct {
	// GracePeriod is how long after a rotation a duplicate is answered without a write. A later
	// duplicate renews RotatedAt, so that its answer also arrives before the next rotation.
	GracePeriod time.Duration
	// MinimumInterval is the least time between two rotations. It lets every answer in flight
	// arrive before the next rotation. It must be at least the grace period, plus the longest
	// flight of an answer, plus the longest flight of a request, plus twice the largest difference
	// between clocks: 30 + 45 + 45 + 2 x 10 seconds.
	MinimumInterval time.Duration
	// StoreWithin is the longest flight of an answer: a client must not store an answer that
	// arrives later than this after it sent the request. Otherwise a page or a laptop that wakes up
	// could store an answer of hours ago over a newer token. The next use of the old token would
	// look like a theft.
	StoreWithin time.Duration
	// LateUse is how long after a token's issue its parent may still be used. Without this bound, a
	// thief who keeps using the parent could renew RotatedAt again and again. The victim's rotation
	// would be delayed without end and without notice.
	LateUse time.Duration
	// Handover is how long a session and its replacement after a step-up are both alive. During the
	// handover the old session issues no refresh tokens. It must be at least the longest flights of
	// two requests and of two answers, plus twice the largest difference between clocks: 45 + 45 +
	// 45 + 45 + 2 x 10 seconds. An answer of the old session that was sent before the step-up can
	// arrive last and put an old token back into the client's store. In this case the old session
	// continues.
	Handover time.Duration
	// SlideInterval is the minimum time between two writes that move the idle end of an opaque
	// session. So the idle end is early by at most this time, and a session costs at most one write
	// in this time, however often it is used.
	SlideInterval time.Duration
	// RestoredUntil ends a window that the operator declares after the table was restored from a
	// backup. Until then, an item that is older than an authentic token catches up with the token.
	// Zero means no window.
	RestoredUntil time.Time
	// SessionsNotBefore ends every session that was created before this instant, without a write.
	// After a restore, it prevents that sessions which ended after the backup become valid again.
	// The instant is truncated to whole milliseconds. Zero ends no session. It excludes
	// RestoredUntil, which keeps the sessions of a backup.
	SessionsNotBefore time.Time
}

// DefaultRules returns the constants that the model checker has searched.
func DefaultRules() Rules {
	return Rules{
		GracePeriod: 30 * time.Second, MinimumInterval: 150 * time.Second, StoreWithin: 45 * time.Second, LateUse: 240 * time.Second,
		Handover: 200 * time.Second, SlideInterval: 60 * time.Second,
	}
}

// MinimumIdleTimeout returns the shortest idle timeout with which a client that keeps refreshing
// stays logged in. A refresh within the minimum interval writes nothing, and so does not move the
// idle end.
func (r Rules) MinimumIdleTimeout() time.Duration { return 4 * r.MinimumInterval }

// Presented is a refresh token as a request presents it, with the request's clock reading and
// random values.
type Presented struct {
	Token Token
	// Client is the client that the request names, or nil if it names no client.
	Client *auth.ClientID
	// ByCookie says that the token came in a cookie. It must match the delivery of the session.
	ByCookie bool
	// Now is the only reading of the clock, used by the condition and by the decision, in whole
	// milliseconds.
	Now time.Time
	// Invocation and Fresh are random. Invocation marks this write; Fresh is the branch of its
	// answer.
	Invocation Invocation
	Fresh      Branch
	// Facts are what the request shows of its origin.
	Facts Facts
	// ReauthOn are the clients that ask for a login because of a signal. If a request for such a
	// client shows the signal, the session is not written.
	ReauthOn map[auth.Signal][]auth.ClientID
}

// Rotate returns the first write of a refresh. The write depends on the profile, but the session is
// not read before it. So the token's profile chooses the write, and the condition requires that the
// session has the same profile.
func (r Rules) Rotate(p Presented) Update {
	u := Update{
		If: Condition{LiveAt: p.Now, CreatedFrom: r.notBefore(), Client: p.Client, Kind: RefreshKind, Profile: p.Token.Profile,
			ByCookie: &p.ByCookie, UnpausedAt: p.Now, Known: known(p.Facts, p.ReauthOn)},
		Set: Change{Activity: &Activity{At: p.Now}},
	}
	if p.Facts != (Facts{}) {
		u.Set.Facts = &p.Facts
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

// Decision is the result of a refresh.
type Decision struct {
	Outcome Outcome
	// Wrote reports whether the first write's condition held. If the store reports otherwise, the
	// store is wrong.
	Wrote bool
	// Next is the content of the client's next refresh token. It is set if Outcome grants; for
	// OutcomeSame and OutcomeExtended it is the presented token.
	Next Token
	// Revoke is a second write, which must succeed before the refusal is reported, or nil.
	Revoke *Update
	// Ends is a session that must be revoked before Revoke and before the refresh is answered: this
	// session has replaced it, and the handover is over or a copy was noticed. The zero ID means no
	// session.
	Ends ID
	// Signals are the signals of the request, if Outcome grants, is a theft or is OutcomeReauth.
	Signals []auth.Signal
	// Session is the item after the first write. It is the zero Session if Outcome is Missing.
	Session Session
}

// Decide returns the result of a refresh, given the item before the first write. before is nil if
// the item does not exist.
func (r Rules) Decide(p Presented, before *Session) Decision {
	if before == nil {
		return Decision{Outcome: OutcomeMissing}
	}
	d := Decision{Session: *before}
	d.Wrote = r.Rotate(p).Do(&d.Session)
	d.Outcome = r.outcome(p, before, d.Wrote)
	if asked := known(p.Facts, p.ReauthOn); len(asked) > 0 && slices.ContainsFunc(asked, func(k Known) bool { return !k.holds(before) }) {
		// Decide without ReauthOn first: a theft must not hide behind the demand for a login.
		free := p
		free.ReauthOn = nil
		if d.Outcome = r.outcome(p, before, r.Rotate(free).Do(new(*before))); d.Outcome.Grants() {
			d.Outcome = OutcomeReauth
		}
	}
	if d.Outcome.Grants() || d.Outcome.Theft() || d.Outcome == OutcomeReauth {
		d.Signals = r.signals(p, before)
	}
	switch {
	case d.Outcome == OutcomeSame || d.Outcome == OutcomeExtended:
		d.Next = p.Token
	case d.Outcome.Grants():
		d.Next = p.Token
		d.Next.Generation, d.Next.Branch, d.Next.IssuedAt = p.Token.Generation+1, p.Fresh, p.Now.Truncate(time.Second)
	case d.Outcome.Theft():
		revoke := Revoke(p.Now, RevocationTheft)
		d.Revoke, d.Ends = &revoke, before.Replaces
	}
	if d.Outcome.Grants() && r.replaced(p, before) {
		d.Ends = before.Replaces
	}
	return d
}

// replaced reports whether the session that s replaces must end now: the handover is over, and the
// client may not have received an answer since. A token that was issued after the handover comes
// from an answer that was sent after the old session ended.
func (r Rules) replaced(p Presented, s *Session) bool {
	over := s.CreatedAt.Add(r.Handover)
	return s.Replaces != ID{} && !p.Now.Before(over) && p.Token.IssuedAt.Before(over)
}

// StepUp returns the update of a session that another session begins to replace at this instant. It
// requires that the session is live. It moves the idle end, because refreshes during the handover
// do not move it.
func (r Rules) StepUp(at time.Time) Update {
	return Update{If: Condition{LiveAt: at, CreatedFrom: r.notBefore()}, Set: Change{Activity: &Activity{At: at}, Pause: &Pause{Until: at.Add(r.Handover)}}}
}

// Slide returns the update of an opaque session that is used at this instant. It moves the idle
// end, unless a use within the last SlideInterval has moved it.
func (r Rules) Slide(at time.Time) Update {
	return Update{
		If:  Condition{LiveAt: at, CreatedFrom: r.notBefore(), Kind: OpaqueKind, IdleSince: at.Add(-r.SlideInterval)},
		Set: Change{Activity: &Activity{At: at}},
	}
}

// handedOver reports whether an opaque session that is used at now must end the session that it
// replaces: the handover is over, and no use since then has moved the idle end. A request with the
// token of s proves that the browser has stored the token. The browser had the token of the
// replaced session before, so no late answer can bring it back. The handover lets requests with the
// replaced token arrive that were sent before.
func (r Rules) handedOver(s *Session, now time.Time) bool {
	over := s.CreatedAt.Add(r.Handover)
	return s.Replaces != ID{} && !now.Before(over) && s.LastSeen.Before(over)
}

// outcome is the decision table. Its order matters. An ended session is reported as ended to every
// client. A request of another client, or with a token that came in another way than it was
// delivered, reveals and revokes nothing. The retry of a write is not a duplicate.
func (r Rules) outcome(p Presented, before *Session, wrote bool) Outcome {
	t := p.Token
	if ended := r.ended(before, p.Now); ended != "" {
		return ended
	}
	paused := before.PausedUntil.After(p.Now)
	switch {
	case p.Client != nil && *p.Client != before.Client:
		return OutcomeForeignClient
	case before.Kind != RefreshKind:
		return OutcomeReuse // the token was sealed with a stolen key: a session never changes its kind
	case p.ByCookie != before.Delivery.ByCookie():
		return OutcomeOtherDelivery
	case t.Profile != before.Profile:
		return OutcomeReuse // the token was sealed with a stolen key: a session never changes its profile
	case wrote && t.Profile == auth.Fixed:
		return OutcomeExtended
	case wrote && before.Generation == t.Generation:
		return OutcomeRotated
	case wrote && before.Generation == t.Generation+1:
		return OutcomeRecovered
	case wrote:
		return OutcomeRestored
	case before.Invocation == p.Invocation && p.Invocation != Invocation{}:
		return OutcomeRotated // a retry: this write took effect, and only its reply was lost
	case before.Generation < t.Generation:
		return OutcomeBehind
	case t.Profile == auth.Strict && !(paused && before.Generation == t.Generation):
		return OutcomeReuse
	case before.Generation == t.Generation && before.RotatedAt.After(r.parentEnd(t)):
		return OutcomeReuse // the parent was used long after its child was issued
	case before.Generation == t.Generation:
		return OutcomeSame
	case before.Generation == t.Generation+1 && before.Parent == t.Branch && paused:
		return OutcomeSame
	case before.Generation == t.Generation+1 && before.Parent == t.Branch:
		return OutcomeDuplicate
	case before.Generation == t.Generation+1:
		return OutcomeFork
	default:
		return OutcomeReuse
	}
}

// ended returns how the session s has ended at now, or "".
func (r Rules) ended(s *Session, now time.Time) Outcome {
	switch {
	case s.Revocation != nil:
		return OutcomeRevoked
	case s.CreatedAt.Before(r.notBefore()):
		return OutcomeNotBefore
	case !s.AbsoluteEnd.After(now):
		return OutcomeAbsolute
	case !s.IdleEnd.After(now):
		return OutcomeIdle
	}
	return ""
}

// Refresh applies both writes of a refresh to an item in memory and returns the decision. s is nil
// if there is no item.
func (r Rules) Refresh(p Presented, s *Session) Decision {
	d := r.Decide(p, s)
	r.Rotate(p).Do(s)
	if d.Revoke != nil {
		d.Revoke.Do(s)
	}
	return d
}

// Revoke returns the update that ends a session permanently.
func Revoke(at time.Time, reason RevocationReason) Update {
	return Update{Set: Change{Revocation: &Revocation{At: at, Reason: reason}}}
}

// notBefore returns SessionsNotBefore with the precision of the stored times, so that a store's
// condition and the decision compare the same instant.
func (r Rules) notBefore() time.Time {
	if r.SessionsNotBefore.IsZero() {
		return time.Time{}
	}
	return millis(r.SessionsNotBefore)
}

// parentEnd returns the instant after which the parent of t may no longer be used.
func (r Rules) parentEnd(t Token) time.Time { return t.IssuedAt.Add(r.LateUse) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
