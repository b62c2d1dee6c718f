package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Ended is the result of [Manager.Logout] and [Manager.Revoke], for the audit log. Every outcome
// means that the session is over.
type Ended struct {
	// Outcome is OutcomeLoggedOut if this logout ended the session, OutcomeEnded if this call of
	// Revoke ended it, OutcomeRevoked if the session had ended before, and OutcomeMissing if the
	// session does not exist. A logout has two more outcomes: OutcomeForged if the token is not
	// authentic, and OutcomeKeyDropped if its key was dropped.
	Outcome Outcome
	// Reason is why the session was ended, now or before. It is empty if the session does not
	// exist.
	Reason RevocationReason
	// Session names the session; it is zero if the token was not authentic. Client is the session's
	// client; it is empty if the session does not exist.
	Session Key
	Client  auth.ClientID
	// Replaced are the sessions that this session had replaced by step-ups and that the call has
	// also ended. Each needs its own line in the audit log. Replaced is also set if the call fails
	// afterwards.
	Replaced []Key
}

// Logout ends the session of a refresh token by one write, which also adds the session to
// [Revocations]. It accepts every token that was ever issued for the session, of any generation: a
// client that missed the last rotation must be able to log out too. client is the client that the
// request names, or nil if the request names no client. If this session has replaced another
// session by a step-up, Logout also ends that session, by one more read and write.
//
// Every error is a [*Refusal]. It wraps [ErrForeignClient] if the session belongs to another
// client, and [auth.ErrUnavailable] if the keys cannot be read or the store did not confirm the
// write. In the last case the session may still be open.
func (m *Manager) Logout(ctx context.Context, text auth.Secret, client *auth.ClientID) (Ended, error) {
	token, err := m.codec.Parse(ctx, text)
	var refusal *Refusal
	if errors.Is(err, ErrEnded) && errors.As(err, &refusal) {
		return Ended{Outcome: refusal.Outcome}, nil
	}
	if err != nil {
		return Ended{}, err
	}
	return m.logout(ctx, token.Key(), RefreshKind, client)
}

// logout ends the session of a token of the given kind.
func (m *Manager) logout(ctx context.Context, key Key, kind Kind, client *auth.ClientID) (Ended, error) {
	u := Revoke(millis(m.c.Now()), RevocationLogout)
	u.If.Client, u.If.Kind = client, kind
	return m.end(ctx, key, u, OutcomeLoggedOut)
}

// Revoke ends a session permanently by one write, which also adds the session to [Revocations]. It
// succeeds if the session has ended already or does not exist. If this session has replaced another
// session by a step-up, Revoke also ends that session, by one more read and write.
//
// Revoke writes no audit line, because a [Manager] has no log. The caller writes one if the Outcome
// is [OutcomeEnded], so that every end is on record once, with its reason. The error is a
// [*Refusal] that wraps [auth.ErrUnavailable] if the store did not confirm the write. The session
// may then be open or ended; call Revoke again. If the session has ended with this reason, the
// second call returns [OutcomeRevoked] and the reason.
func (m *Manager) Revoke(ctx context.Context, key Key, reason RevocationReason) (Ended, error) {
	return m.end(ctx, key, Revoke(millis(m.c.Now()), reason), OutcomeEnded)
}

// end applies a revocation, and ends the sessions that this session has replaced. ended is the
// outcome if the revocation took effect.
func (m *Manager) end(ctx context.Context, key Key, u Update, ended Outcome) (Ended, error) {
	e, before, err := m.endOne(ctx, key, u, ended)
	if err != nil || before == nil {
		return e, err
	}
	if !e.over() && u.If.Kind != 0 && u.If.Kind != before.Kind {
		return Ended{Outcome: OutcomeForged}, nil
	}
	if !e.over() {
		r := m.refuse(key, OutcomeForeignClient, nil)
		r.Client = before.Client
		return Ended{}, r
	}
	// The user sees the session and the replaced session as one, so both end. A repeated call also
	// ends the replaced session, in case the first call stopped before that.
	return m.endChain(ctx, e, before.Replaces)
}

// endChain ends the session id, which e's session had replaced, and the earlier sessions of the
// chain. It adds them to e.
func (m *Manager) endChain(ctx context.Context, e Ended, id ID) (_ Ended, err error) {
	if e.Replaced, err = m.endReplaced(ctx, Key{e.Session.Subject, id}); err != nil {
		return Ended{Session: e.Session, Client: e.Client, Replaced: e.Replaced}, m.refuse(e.Session, OutcomeFailed, err)
	}
	return e, nil
}

// over reports whether the session has ended. It is false only if the condition of the revocation
// did not hold.
func (e Ended) over() bool { return e.Outcome != "" }

// endOne applies a revocation to one session, and returns the session before the write, or nil if
// the session does not exist. The outcome is empty if the condition of the revocation did not hold.
func (m *Manager) endOne(ctx context.Context, key Key, u Update, ended Outcome) (Ended, *Session, error) {
	mark := &u.Set.Revocation.Invocation
	if err := m.random(mark[:]); err != nil {
		return Ended{}, nil, m.refuse(key, OutcomeFailed, err)
	}
	before, err := m.revoke(ctx, key, u)
	if err != nil {
		return Ended{}, nil, m.refuse(key, OutcomeFailed, fmt.Errorf("ending a session: %w", err))
	}
	if before == nil {
		return Ended{Outcome: OutcomeMissing, Session: key}, nil, nil
	}
	e := Ended{Session: key, Client: before.Client}
	switch {
	case before.Revocation == nil && !u.If.holds(before):
	case before.Revocation == nil, before.Revocation.Invocation == *mark:
		// The second case is a retry within the store: the first attempt took effect, and only its
		// reply was lost.
		e.Outcome, e.Reason = ended, u.Set.Revocation.Reason
	default:
		e.Outcome, e.Reason = OutcomeRevoked, before.Revocation.Reason
		if err := m.revokeAgain(ctx, key, before.Revocation.At); err != nil {
			return Ended{}, nil, m.refuse(key, OutcomeFailed, fmt.Errorf("ending a session again: %w", err))
		}
	}
	return e, before, nil
}

// revokeAgainEvery is the time within which repeated ends of a session write one entry. It counts
// against revocationsOverlap, because the time of such an entry is up to this much before its
// write.
const revokeAgainEvery = 10 * time.Second

// revokeAgain writes the entry of a session that ended at the given instant. The end has written an
// entry already, unless an earlier version of the program ended the session: that version does not
// write entries and may still run during a deployment. Once all access tokens of the session have
// expired, revokeAgain does nothing.
//
// A client can send one dead token to logout any number of times. If each request wrote a new
// entry, one client could make the list too long for an authorizer to load.
func (m *Manager) revokeAgain(ctx context.Context, key Key, ended time.Time) error {
	now := m.c.Now()
	if m.c.Revocations == nil || now.Sub(ended) > RevocationsKept {
		return nil
	}
	return m.c.Revocations.Write(context.WithoutCancel(ctx), EndOfSession(key, now.Truncate(revokeAgainEvery)))
}

// revoke applies a revocation and returns the session before it, or nil if it does not exist. It
// fails if the store did not confirm the write or did not follow the rules.
func (m *Manager) revoke(ctx context.Context, key Key, u Update) (*Session, error) {
	// A revocation must not be cancelled. A thief who presents a stolen token could keep its
	// session by disconnecting in time, and a page that logs out is often closed at that moment.
	before, done, err := m.c.Store.Update(context.WithoutCancel(ctx), key, u)
	if err != nil {
		return nil, err
	}
	var after Session
	if before != nil {
		after = *before
	}
	if written := before != nil && u.Do(&after); done != written {
		return nil, fmt.Errorf("the store reported written=%t, but the rules require written=%t", done, written)
	}
	return before, nil
}
