package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
)

// Versions raises the token versions of users, which ends all their sessions. One write is enough:
// it covers sessions that are opened at the same time, and it takes the same time for two sessions
// and for 20,000. Package storetest defines its behaviour. Implementations are safe for concurrent
// use.
type Versions interface {
	// Raise carries out r in one transaction, which also writes the entries of [Raise.Revokes], and
	// reports whether its conditions held. If a condition did not hold, nothing was written. The
	// error wraps [auth.ErrNotFound] if the user does not exist, and [auth.ErrUnavailable] if the
	// outcome is unknown or an item cannot be read.
	Raise(ctx context.Context, r Raise) (done bool, err error)
}

// Raise is one conditional change of a user's token version, as a value, together with an update of
// one of the user's sessions.
type Raise struct {
	Key Key // the user, and the session that Update changes
	// From must be the user's token version. To becomes the user's token version.
	From, To uint64
	At       time.Time // becomes the time of the user's last change
	// Update is applied to the session. If its condition does not hold, the user is unchanged. nil
	// changes no session, and Key.ID is ignored.
	Update *Update
}

// EndOthers ends every session of a user except own, in one transaction: it raises the token
// versions of the user and of own. Both must come from [Manager.Check]. The known devices of the
// user and a pending change of the password end too, because they are bound to the token version.
// Existing access tokens of own have the old version, so its client must refresh.
//
// EndOthers reports done=false and does nothing if the user's token version has changed since it
// was read, or if own has ended meanwhile: call Check again and decide again. Errors wrap
// [auth.ErrUnavailable] if the store did not confirm the transaction. A caller that disconnects
// does not cancel it.
func (m *Manager) EndOthers(ctx context.Context, of auth.Subject, own Session) (done bool, err error) {
	now, to := millis(m.c.Now()), next(of, own)
	keep := Update{If: m.live(now), Set: Change{TokenVersion: &to}}
	return m.raise(ctx, Raise{Key: own.Key, From: of.TokenVersion, To: to, At: now, Update: &keep})
}

// EndAll ends every session of a user in one transaction, as [Manager.EndOthers] does. own is the
// session that sends the request, which gets a tombstone, or nil if an operator ends the sessions.
// If own has ended meanwhile, EndAll does nothing and reports done=false.
//
// If an operator ends the sessions, EndAll raises the token version by [VersionAbove].
func (m *Manager) EndAll(ctx context.Context, of auth.Subject, own *Session) (done bool, err error) {
	now := millis(m.c.Now())
	r := Raise{Key: Key{Subject: of.ID}, From: of.TokenVersion, To: VersionAbove(of.TokenVersion, now), At: now}
	if own != nil {
		u := Revoke(now, RevocationUser)
		u.If = m.live(now)
		r.Key, r.To, r.Update = own.Key, next(of, *own), &u
	}
	return m.raise(ctx, r)
}

// next returns a token version above both. The session may have the higher version if the table of
// users was restored from a backup.
func next(of auth.Subject, own Session) uint64 { return max(of.TokenVersion, own.TokenVersion) + 1 }

func (m *Manager) raise(ctx context.Context, r Raise) (bool, error) {
	if m.c.Versions == nil {
		return false, errors.New("session: Config.Versions is missing (EndOthers and EndAll need it)")
	}
	done, err := m.c.Versions.Raise(context.WithoutCancel(ctx), r)
	if err != nil {
		return false, fmt.Errorf("ending all sessions: %w", err)
	}
	return done, nil
}
