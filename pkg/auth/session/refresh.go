package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Request is a client's request for a refresh.
type Request struct {
	RefreshToken auth.Secret
	// Client is the client that the request names, or nil if it names no client.
	Client *auth.ClientID
	// ByCookie says that the token came in a cookie.
	ByCookie bool
	// Scope is the scope to which the request narrows the access token. If it is empty, the access
	// token gets the session's whole scope.
	Scope []string
	// Visit is what the request shows of its origin, for the signals.
	Visit Visit
	// OnTheft is called if the token proves that it was copied, before the write that ends the
	// session. So the theft is on record even if the reply to that write is lost or the process
	// ends. Refresh then returns an equal refusal, or a refusal with [OutcomeFailed] if the store
	// did not confirm the end. After such a failure, the next use of a token that proves the copy
	// calls OnTheft again, unless the session has ended. nil calls nothing.
	OnTheft func(*Refusal)
}

// Refresh continues the session of a refresh token. It does one conditional write and, in parallel,
// one read of the user. A request that names a scope costs one more read, before the write. If the
// user has a newer token version than the session, one more read confirms that the session has
// ended.
//
// Every error is a [*Refusal]. It wraps [ErrEnded] if the token will never work again, [ErrScope]
// if the request asks for more than was granted, [ErrReauth] if the client asks for a login,
// [ErrOtherDelivery] if the token came in another way than its session delivers it,
// [ErrForeignClient] or [ErrUnknownClient] if the client may not use the session, and
// [auth.ErrUnavailable] if nothing was decided. The token remains valid unless the error wraps
// ErrEnded.
func (m *Manager) Refresh(ctx context.Context, r Request) (Granted, error) {
	token, err := m.codec.Parse(ctx, r.RefreshToken)
	if err != nil {
		return Granted{}, err
	}
	key, p := token.Key(), Presented{Token: token, Client: r.Client, ByCookie: r.ByCookie, Now: millis(m.c.Now()),
		Facts: factsOf(token.Subject, r.Visit), ReauthOn: m.c.ReauthOn}
	if err := m.checkScope(ctx, p, r.Scope); err != nil {
		return Granted{}, err
	}
	if err := m.random(p.Invocation[:], p.Fresh[:]); err != nil {
		return Granted{}, m.refuse(key, OutcomeFailed, err)
	}
	d, err := m.rotate(ctx, p, r.OnTheft)
	if err == nil {
		err = m.permit(ctx, key, &d)
	}
	if err != nil {
		return Granted{Ended: d.ended}, err
	}
	var next auth.Secret
	switch d.Outcome {
	case OutcomeSame:
	case OutcomeExtended:
		next = r.RefreshToken
	default:
		if next, err = m.codec.Seal(ctx, d.Next); err != nil {
			return Granted{Ended: d.ended}, m.refuse(key, OutcomeFailed, err)
		}
	}
	return Granted{
		Outcome: d.Outcome, Session: d.Session, Subject: d.subject, Signals: d.Signals, RefreshToken: next, StoreWithin: m.c.Rules.StoreWithin, Ended: d.ended,
	}, nil
}

// decided is the result of the writes of a refresh and of the parallel read of its user.
type decided struct {
	Decision
	subject    auth.Subject
	subjectErr error
	ended      []Key // replaced sessions that these writes have ended
	confirmed  bool  // no replaced session is left to end
}

// rotate does the writes of a refresh and the read of its user. Every error is a [*Refusal].
func (m *Manager) rotate(ctx context.Context, p Presented, onTheft func(*Refusal)) (d decided, err error) {
	write := func() {
		var ended []Key
		d.Decision, ended, err = m.decide(ctx, p, onTheft)
		d.ended = append(d.ended, ended...)
	}
	if p.Token.Profile == auth.Strict {
		if d, err = m.prepare(ctx, p); err != nil {
			return d, err
		}
		write()
	} else {
		d.subject, d.subjectErr = m.beside(ctx, p.Token.Subject, write)
	}
	if err != nil {
		err = m.refuse(p.Token.Key(), OutcomeFailed, err)
	}
	return d, err
}

// prepare runs before the write in the strict profile: it checks the user and the client, and ends
// a replaced session. Afterwards it would be too late, because a rotation whose answer is an error
// logs the client out.
func (m *Manager) prepare(ctx context.Context, p Presented) (d decided, err error) {
	var foreseen Decision
	d.subject, d.subjectErr = m.beside(ctx, p.Token.Subject, func() { foreseen, err = m.foresee(ctx, p) })
	switch {
	case d.subjectErr != nil && !errors.Is(d.subjectErr, auth.ErrNotFound):
		return d, m.refuse(p.Token.Key(), OutcomeFailed, d.subjectErr)
	case err != nil || !foreseen.Outcome.Grants():
		return d, err
	case !m.has(foreseen.Session.Client):
		return d, m.refuse(p.Token.Key(), OutcomeUnknownClient, nil)
	case subjectOutcome(d.subject, d.subjectErr, foreseen.Session) != "":
		return d, nil
	}
	err = m.endBefore(ctx, foreseen.Ends, p.Token.Key(), &d)
	return d, err
}

// permit refuses a refresh that the rules refuse, or whose user or client may not continue. The
// order matters: first a theft, which is reported even if the user could not be read, then a failed
// read, then a user who may not continue. Every error is a [*Refusal].
func (m *Manager) permit(ctx context.Context, key Key, d *decided) (err error) {
	if !d.Outcome.Grants() {
		refusal := refusalOf(key, d.Outcome, d.Session)
		refusal.Signals = d.Signals
		return refusal
	}
	if outcome := subjectOutcome(d.subject, d.subjectErr, d.Session); outcome == OutcomeSubjectSuperseded {
		if d.Session, err = m.kept(ctx, d.Session, d.subject); err != nil {
			return err
		}
	} else if outcome != "" {
		return m.refuse(key, outcome, d.subjectErr)
	}
	if !m.has(d.Session.Client) {
		return m.refuse(key, OutcomeUnknownClient, nil)
	}
	if d.confirmed {
		return nil
	}
	return m.endBefore(ctx, d.Ends, key, d)
}

// endBefore ends the session that key's session has replaced, before the refresh is answered.
func (m *Manager) endBefore(ctx context.Context, replaced ID, key Key, d *decided) error {
	ended, err := m.endReplaced(ctx, Key{key.Subject, replaced})
	d.ended = append(d.ended, ended...)
	if err != nil {
		return m.refuse(key, OutcomeFailed, err)
	}
	d.confirmed = true
	return nil
}

// checkScope refuses a scope that the session was not granted. It runs before the write, because in
// the strict profile a rotation whose answer is an error logs the client out. A session's scope
// never changes.
func (m *Manager) checkScope(ctx context.Context, p Presented, scope []string) error {
	if len(scope) == 0 {
		return nil
	}
	d, err := m.foresee(ctx, p)
	if err != nil || !d.Outcome.Grants() {
		return err
	}
	for _, name := range scope {
		if !slices.Contains(d.Session.Scope, name) {
			return m.refuse(p.Token.Key(), OutcomeWiderScope, nil)
		}
	}
	return nil
}

func (m *Manager) has(id auth.ClientID) bool { return m.c.Clients == nil || m.c.Clients.Has(id) }

// foresee reads the session and returns what the rules alone would decide. A refresh that the rules
// refuse must be refused for that reason: a wide scope must not hide a theft.
func (m *Manager) foresee(ctx context.Context, p Presented) (Decision, error) {
	s, err := m.c.Store.Get(ctx, p.Token.Key())
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return Decision{}, m.refuse(p.Token.Key(), OutcomeMissing, nil)
	case err != nil:
		return Decision{}, m.refuse(p.Token.Key(), OutcomeFailed, err)
	}
	return m.c.Rules.Decide(p, &s), nil
}

// decide does the writes of a refresh. If the first write proves a copy, decide calls onTheft
// before the second.
func (m *Manager) decide(ctx context.Context, p Presented, onTheft func(*Refusal)) (d Decision, ended []Key, err error) {
	before, done, err := m.c.Store.Update(ctx, p.Token.Key(), m.c.Rules.Rotate(p))
	if err != nil {
		return Decision{}, nil, err
	}
	d = m.c.Rules.Decide(p, before)
	if done != d.Wrote {
		return Decision{}, nil, fmt.Errorf("the store reported written=%t, but the rules require written=%t", done, d.Wrote)
	}
	if d.Revoke != nil {
		// The theft is reported before the write, because afterwards it could be too late: if the
		// reply is lost or the process ends, the next request finds only an ended session.
		if onTheft != nil {
			refusal := refusalOf(p.Token.Key(), d.Outcome, d.Session)
			refusal.Signals = d.Signals
			onTheft(refusal)
		}
		// If the revocation is not confirmed, the client must not be told that the session has
		// ended: it would drop the token, and a later refresh needs that token to prove the theft
		// again.
		//
		// The thief may also have copied the session that this session has replaced. The replaced
		// session ends first: once this session has ended, no request would end the replaced
		// session any more.
		if ended, err = m.endReplaced(ctx, Key{p.Token.Subject, d.Ends}); err != nil {
			return Decision{}, ended, err
		}
		if _, err := m.revoke(ctx, p.Token.Key(), *d.Revoke); err != nil {
			return Decision{}, ended, fmt.Errorf("revoking a session: %w", err)
		}
	}
	return d, ended, nil
}
