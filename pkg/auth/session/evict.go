package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Bounds of the work that one login does for the limit of its client, for any number of sessions.
const (
	// evictionPage is the number of sessions that one query reads.
	evictionPage = 1000
	// maxEvicted is the number of sessions that one login ends. It is above the number of logins
	// that a user begins at the same instant.
	maxEvicted = 100
	// evictWithin is the time after which a login ends no further session, because the login must
	// be answered before the function times out.
	evictWithin = 3 * time.Second
)

// evict ends the sessions over the limit of own's client, the longest idle first, by one query and
// one write for each. of is the user of own, which was just opened and stays open. evict returns
// the sessions that it has ended. The error is a [*Refusal] that wraps [auth.ErrUnavailable]. It
// names the session whose end was not confirmed, or no session if the list could not be read.
//
// Each login lists all earlier sessions in the order of their last use. It ends a session only if
// sessions of later use fill the limit, and only if the session was not used since the list was
// read. So parallel logins never end the most recently used sessions, up to the limit. The login
// that lists last leaves those sessions, its own session, which is not among them if its clock is
// behind, and the sessions that are refreshed meanwhile. The next login ends the rest.
func (m *Manager) evict(ctx context.Context, of auth.Subject, limit int, own Session) (ended []Ended, err error) {
	// The session of the login is stored already. A client must not keep more sessions by
	// disconnecting.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), evictWithin)
	defer cancel()
	found, err := m.neighbours(ctx, own)
	if err != nil {
		return nil, m.notEvicted(own, ID{}, fmt.Errorf("listing the sessions of a client: %w", err))
	}
	all := m.current(found, of, own.ID, own.CreatedAt)
	over := overLimit(all, own, limit)
	for _, s := range over[:min(len(over), maxEvicted)] {
		if err := ctx.Err(); err != nil {
			return ended, m.notEvicted(own, ID{}, err)
		}
		e, err := m.evictOne(ctx, s, all)
		if e.Outcome == OutcomeEnded || len(e.Replaced) > 0 {
			ended = append(ended, e)
		}
		if err != nil {
			return ended, m.notEvicted(own, s.ID, err)
		}
	}
	return ended, nil
}

// evictOne ends a session, unless it was used since the list was read. It also ends the sessions
// that this session had replaced, except the sessions in all, which count towards the limit: a
// client whose step-up got no answer uses a replaced session.
func (m *Manager) evictOne(ctx context.Context, s Session, all []Session) (Ended, error) {
	u := Revoke(millis(m.c.Now()), RevocationEvicted)
	u.If.IdleSince = s.LastSeen
	e, before, err := m.endOne(ctx, s.Key, u, OutcomeEnded)
	inUse := func(other Session) bool { return other.ID == s.Replaces }
	if err != nil || before == nil || !e.over() || slices.ContainsFunc(all, inUse) {
		return e, err
	}
	return m.endChain(ctx, e, s.Replaces)
}

// neighbours returns the sessions of own's user, ended sessions included. If the user has more
// sessions than one query reads, neighbours returns the first part of them and another part that
// begins at own. The ID of own is random, so later logins see the remaining sessions.
func (m *Manager) neighbours(ctx context.Context, own Session) ([]Session, error) {
	found, err := m.c.Store.List(ctx, own.Subject, ID{}, evictionPage)
	if err != nil || len(found) < evictionPage {
		return found, err
	}
	more, err := m.c.Store.List(ctx, own.Subject, own.ID, evictionPage)
	if err != nil {
		return nil, err
	}
	once := map[ID]Session{own.ID: own}
	for _, s := range slices.Concat(found, more) {
		once[s.ID] = s
	}
	return slices.Collect(maps.Values(once)), nil
}

// overLimit returns the sessions of own's client that are over its limit, the longest idle first,
// without own. Equal times are ordered by ID, so that parallel logins agree. A session of another
// token version does not count, because the user has ended that session or own.
func overLimit(all []Session, own Session, limit int) []Session {
	all = slices.DeleteFunc(slices.Clone(all), func(s Session) bool { return s.Client != own.Client || s.TokenVersion != own.TokenVersion })
	slices.SortFunc(all, func(a, b Session) int {
		return cmp.Or(a.LastSeen.Compare(b.LastSeen), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return slices.DeleteFunc(all[:max(0, len(all)-limit)], func(s Session) bool { return s.ID == own.ID })
}

// notEvicted returns the error of a login that could not end the session id. The zero id means that
// the login failed before it chose a session.
func (m *Manager) notEvicted(own Session, id ID, cause error) error {
	r, ok := errors.AsType[*Refusal](cause)
	if !ok {
		r = m.refuse(Key{own.Subject, id}, OutcomeFailed, cause)
	}
	r.Client = own.Client
	return r
}
