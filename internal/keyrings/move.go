package keyrings

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	// PublishedBeforeSigning is the time that a key must be published before it signs. Gateways
	// cache a key set for two hours, and a deployment takes some time.
	PublishedBeforeSigning = 3 * time.Hour
	// LastTokenEnds is the time from the moment that a key stops signing until its last token has
	// ended. It uses the maximum lifetime, because the configured lifetime may have been longer
	// before.
	LastTokenEnds = token.MaxLifetime + token.Leeway

	// purgeStays is how long a finished drop of all keys counts as done after deployments stop
	// requesting it. Within this time, another request counts as a rollback. After this time, it
	// counts as a new request.
	purgeStays = 24 * time.Hour
	// keptBehind is the number of versions below the signing version that a signing ring keeps. A
	// secret has room for 36 RSA keys, so without a bound rotation would stop.
	keptBehind   = 8
	keptRequests = 16
)

// Move is a deployment's request to a ring.
type Move struct {
	Version   Version         // the version that is to sign
	Algorithm token.Algorithm // for new keys of a signing ring
	Request   string          // identifies the request, so that a repetition is recognised
	// Drop applies to a signing ring, DropRefresh to a refresh-token ring, and DropLogin to a login
	// ring.
	Drop, DropRefresh, DropLogin Drop
	// Immediately permits the next version of a signing ring to sign before PublishedBeforeSigning
	// has passed. It is for a data directory, whose server is the only verifier, and for leaving a
	// leaked refresh-token or login key: a leaked key is worse than refused access tokens.
	Immediately bool
	// Stack is the id of the stack that makes the request. The ring must belong to this stack or to
	// no stack. After the move it belongs to this stack.
	Stack string
	// TakeOver is the id of a deleted stack whose rings Stack takes over, or empty.
	TakeOver string
}

// Refusal says why a Move is refused and which version is right. A Refusal wraps [ErrRefused].
type Refusal struct {
	Kind    Kind
	Version Version // the requested version
	Why     string
	Right   Version   // the version that may sign now, or 0 if the version is not the problem
	Until   time.Time // when Version may be requested again; zero if waiting does not help
}

func (e *Refusal) Error() string {
	text := fmt.Sprintf("%s: KeyVersion %d is %v: %s", e.Kind, e.Version, ErrRefused, e.Why)
	if e.Right != 0 {
		text += fmt.Sprintf("; use KeyVersion %d", e.Right)
	}
	if !e.Until.IsZero() {
		text += " until " + writeTime(e.Until)
	}
	return text
}

func (*Refusal) Unwrap() error { return ErrRefused }

// Adopt returns a *[Refusal] unless version n is right for a stack that takes over the rings of
// another stack. The right version is the highest version that any of the rings has used. At a
// lower version, verifiers would refuse tokens of the highest version. At a higher version, no
// verifier would know the key that signs. Rings without keys start at 1, or at the version of the
// other rings.
func Adopt(n Version, rings ...Ring) error {
	right := Version(1)
	refusal := &Refusal{Kind: SigningRing, Version: n, Why: "there are no keys yet (want version 1)"}
	for _, r := range rings {
		if used := r.HighestUsed(); used > 0 && used >= right {
			right, refusal.Kind = used, r.Kind
			refusal.Why = fmt.Sprintf("the ring already exists, and its highest used version is %d", used)
		}
	}
	if n == right {
		return nil
	}
	refusal.Right = right
	return refusal
}

// Move returns the ring that a deployment requests. The error is a *[Refusal] if verifiers would
// refuse valid tokens. If nothing is left to do, Move returns the ring unchanged, so a request may
// be repeated. A ring without keys gets its first keys. The error wraps [ErrForeign] if the ring
// belongs to another stack.
//
// Move refuses to sign with a key that has been published for less than [PublishedBeforeSigning],
// to move by more than one version, and to withdraw a key whose last token may be valid. Two moves
// are always permitted. A move back to the previous version is permitted because every verifier
// knows its key, so a rollback never fails. A move away from a dropped key is permitted because a
// leaked key is worse than refused tokens.
//
// A dropped key is destroyed, and a rollback does not bring it back. So that a rollback finds a
// key, the previous version gets the key of the version that signs now, which is the only key that
// all verifiers know.
func (r Ring) Move(m Move, now time.Time, random io.Reader) (Ring, error) {
	now = now.UTC().Truncate(time.Second)
	switch r.Kind {
	case RefreshRing:
		m.Drop = m.DropRefresh
	case LoginRing:
		m.Drop = m.DropLogin
	}
	if m.Version == 0 || m.Version == maxVersion {
		return Ring{}, r.refusal(m, 0, "a version is a number from 1 to %d", maxVersion-1)
	}
	if err := r.belongs(m); err != nil {
		return Ring{}, err
	}
	if slices.Contains(r.Requests, m.Request) && m.Request != "" {
		if r.Current() == m.Version {
			return r, nil
		}
		return Ring{}, r.refusal(m, r.Current(), "this request was already carried out, and a later request has changed the ring since")
	}
	doomed, err := r.doomed(m, now)
	if err != nil {
		return Ring{}, err
	}
	if len(r.Keys) > 0 {
		if err := r.guard(m, doomed, now); err != nil {
			return Ring{}, err
		}
	}
	return r.moved(m, doomed, now, random)
}

// belongs returns an error that wraps ErrForeign unless the requesting stack may move the ring. Two
// stacks that share a ring would move and could destroy each other's keys.
func (r Ring) belongs(m Move) error {
	if r.Stack == "" || r.Stack == m.Stack || r.Stack == m.TakeOver {
		return nil
	}
	return fmt.Errorf("%s: %w, %s: delete that stack first, then deploy with TakeOverStack=%[3]s", r.Kind, ErrForeign, r.Stack)
}

// maxVersion can be published but never signs, because no version follows it.
const maxVersion Version = 1<<16 - 1

func (r Ring) refusal(m Move, right Version, why string, args ...any) *Refusal {
	return &Refusal{Kind: r.Kind, Version: m.Version, Right: right, Why: fmt.Sprintf(why, args...)}
}

func (r Ring) guard(m Move, doomed []Version, now time.Time) error {
	from, to := r.Current(), m.Version
	isDoomed := func(v Version) bool { return slices.Contains(doomed, v) }
	switch {
	case from == 0:
		return fmt.Errorf("%s: %w: no key in it signs by its own record", r.Kind, ErrMalformed)
	case to > from && to-from > 1:
		return r.refusal(m, from+1, "version %d signs, and a rotation moves by one version", from)
	case to < from && from-to > 1:
		return r.refusal(m, from-1, "version %d signs, and a rotation moves by one version", from)
	case m.Drop.All && to < from && isDoomed(from):
		return r.refusal(m, from, "%s=all needs the version that signs or the next version", r.Kind.dropProperty())
	case m.Drop.All && isDoomed(from) && (to != from || r.Kind == SigningRing):
		return nil
	case to == from && isDoomed(from):
		return r.refusal(m, from+1, "%s names the key that signs; its drop needs the next version", r.Kind.dropProperty())
	case to == from || isDoomed(from):
		return nil
	case isDoomed(to):
		return r.refusal(m, from, "%s names its key", r.Kind.dropProperty())
	case m.Immediately && to == from+1:
		return nil
	}
	target, known := r.Keys[to]
	if known && !target.Retired.IsZero() && !target.Retired.Before(r.Keys[from].SigningSince) {
		return nil // the previous version
	}
	if r.Kind != SigningRing {
		return r.guardSessions(m, now)
	}
	if !known || target.Published.IsZero() {
		return r.refusal(m, from, "its key is not published yet; a deployment of version %d publishes it", from)
	}
	if ready := target.Published.Add(PublishedBeforeSigning); now.Before(ready) {
		e := r.refusal(m, from, "its key is published since %s, and verifiers may not know it for %v",
			writeTime(target.Published), PublishedBeforeSigning)
		e.Until = ready
		return e
	}
	return r.guardTokens(m, now)
}

// guardTokens refuses to withdraw a public key while its last access token may be valid.
func (r Ring) guardTokens(m Move, now time.Time) error {
	from, stays := r.Current(), map[string]bool{}
	for v, entry := range r.Keys {
		if beside(v, m.Version) {
			stays[entry.Signing.ID()] = true
		}
	}
	for v, entry := range r.Keys {
		ends := entry.Retired.Add(LastTokenEnds)
		if beside(v, from) && !stays[entry.Signing.ID()] && !entry.Retired.IsZero() && now.Before(ends) {
			e := r.refusal(m, from, "it withdraws the key of version %d, whose tokens are still valid", v)
			e.Until = ends
			return e
		}
	}
	return nil
}

// guardSessions refuses a move after which refresh tokens or known-device tokens would count as
// forged; see Refresh.RefreshTokenKey and Login.LoginKey in package keyring.
func (r Ring) guardSessions(m Move, now time.Time) error {
	holders := "sessions"
	if r.Kind == LoginRing {
		holders = "known devices"
	}
	for _, v := range r.Versions() {
		entry := r.Keys[v]
		ends := entry.Retired.Add(r.Kind.Retention())
		if v > m.Version+1 && !entry.SigningSince.IsZero() && now.Before(ends) {
			e := r.refusal(m, r.Current(), "%s hold tokens of version %d, which it does not accept", holders, v)
			e.Until = ends
			return e
		}
	}
	return nil
}

// moved carries out a move that was found to be permitted.
func (r Ring) moved(m Move, doomed []Version, now time.Time, random io.Reader) (Ring, error) {
	next := r.next()
	if len(r.Keys) == 0 {
		first, err := newRing(r.Kind, m.Version, m.Algorithm, now, random)
		if err != nil {
			return Ring{}, err
		}
		next.Keys = first.Keys
	}
	from := r.Current()
	next.Stack = m.Stack
	next.drop(doomed)
	changed := next.purge(m, len(doomed) > 0 || len(r.Keys) == 0, now)
	changed = changed || len(doomed) > 0 || from != m.Version || len(r.Keys) == 0 || r.Stack != m.Stack
	for _, v := range []Version{m.Version, m.Version + 1, m.Version - 1} {
		_, there := next.Keys[v]
		missing := v >= m.Version || slices.Contains(doomed, v)
		if there || !missing {
			continue
		}
		if err := next.fill(v, from, m, now, random); err != nil {
			return Ring{}, err
		}
		changed = true
	}
	if !changed && r.Kind == SigningRing {
		changed = slices.ContainsFunc(r.Versions(), func(v Version) bool {
			return beside(v, from) == r.Keys[v].Published.IsZero()
		})
	}
	// Each request is recorded, even if nothing was left to do. Otherwise a repetition after the
	// next request would move the ring back.
	if r.Kind == SigningRing && m.Request != "" {
		changed = true
	}
	if !changed {
		return r, nil
	}
	signed, err := next.Sign(m.Version, now)
	if err != nil {
		return Ring{}, err
	}
	signed.Serial = r.Serial + 1
	signed.forget(m.Version, now)
	if m.Request != "" {
		signed.Requests = slices.Concat(r.Requests, []string{m.Request})
		signed.Requests = signed.Requests[max(0, len(signed.Requests)-keptRequests):]
	}
	return signed, nil
}

// fill gives version v a key, in a ring that is not shared yet. The key is new, or is the key of
// the version that is to sign.
func (r Ring) fill(v, from Version, m Move, now time.Time, random io.Reader) error {
	entry := r.Keys[m.Version]
	if m.Drop.All || v >= m.Version && v != from || v == m.Version {
		var err error
		if entry, err = newEntry(r.Kind, m.Algorithm, now, random); err != nil {
			return fmt.Errorf("%s: version %d: %w", r.Kind, v, err)
		}
	}
	entry.SigningSince, entry.Retired = time.Time{}, time.Time{}
	if v == from && v != m.Version {
		entry.SigningSince = now // Sign would record the same for the previous version
	}
	r.Keys[v] = entry
	return nil
}

// Forget returns the ring without the keys that have no use while version n signs.
func (r Ring) Forget(n Version, now time.Time) Ring {
	r.Keys = maps.Clone(r.Keys)
	r.forget(n, now)
	return r
}

// forget removes keys without further use from a ring that is not shared yet.
func (r Ring) forget(n Version, now time.Time) {
	for v, entry := range r.Keys {
		behind := int(n) - int(v)
		old := behind > 1 && !entry.Retired.IsZero() && !now.Before(entry.Retired.Add(r.Kind.Retention()))
		if old && (r.Kind != SigningRing || behind > keptBehind) {
			delete(r.Keys, v)
		}
	}
}
