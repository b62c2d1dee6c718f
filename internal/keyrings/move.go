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
	// PublishedBeforeSigning is how long a key is published before it signs: gateways keep a key set for two hours,
	// and a deployment takes its time.
	PublishedBeforeSigning = 3 * time.Hour
	// LastTokenEnds is when a key's last token has ended, after it stopped signing. The longest life counts, and not
	// the configured one: that may have been longer a moment ago.
	LastTokenEnds = token.MaxLifetime + token.Leeway

	// purgeStays is how long a purge that no deployment asks for any more is taken for done when one asks again: it
	// is a rollback then, and later it is a wish.
	purgeStays = 24 * time.Hour
	// keptBehind is how many versions behind the one that signs stay in a signing ring. A secret holds 36 RSA keys, so
	// without an end rotation would have one.
	keptBehind   = 8
	keptRequests = 16
)

// Move is what a deployment asks of a ring.
type Move struct {
	Version   Version         // is to sign
	Algorithm token.Algorithm // of the keys that have to be made for a signing ring
	Request   string          // names the request, so that its repetition is known
	// Drop is for a signing ring, DropRefresh for a refresh-token ring, and DropLogin for a login ring.
	Drop, DropRefresh, DropLogin Drop
	// Immediately lets the next version of a signing ring sign before its key was published for
	// PublishedBeforeSigning. It is for a data directory, whose server is the only verifier, and for leaving a
	// refresh-token key or a login key that has leaked: refused access tokens are the smaller harm.
	Immediately bool
	// Stack is the id of the stack that asks. The ring must belong to this stack or to no stack; it belongs to this
	// one afterwards.
	Stack string
	// TakeOver is the id of a deleted stack whose rings Stack takes over; empty takes over none.
	TakeOver string
}

// Refusal says why a Move is refused and which version is right. It wraps ErrRefused.
type Refusal struct {
	Kind    Kind
	Version Version // was asked for
	Why     string
	Right   Version   // can sign now; 0 where that is not the question
	Until   time.Time // from then on Version may be asked for again; zero where time does not help
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

// Adopt returns a *Refusal unless version n is right for a stack that takes over the rings of another stack: the highest
// version that was used in any of them. At a lower version, tokens of the highest version would be refused. At a higher
// version, no verifier would know the key that signs. Rings without keys begin at 1, or at the version of the others.
func Adopt(n Version, rings ...Ring) error {
	right := Version(1)
	refusal := &Refusal{Kind: SigningRing, Version: n, Why: "there are no keys yet, and the first version is 1"}
	for _, r := range rings {
		if used := r.HighestUsed(); used > 0 && used >= right {
			right, refusal.Kind = used, r.Kind
			refusal.Why = fmt.Sprintf("the ring exists, and has been used up to version %d", used)
		}
	}
	if n == right {
		return nil
	}
	refusal.Right = right
	return refusal
}

// Move returns the ring that a deployment asks for, or a *Refusal where verifiers that know what was published would
// refuse good tokens. It returns the ring as it is where nothing is left to do, so it may be repeated. A ring without
// keys becomes a first one.
//
// A ring of another stack is refused with an error that wraps ErrForeign.
//
// It refuses to sign with a key that was not published for PublishedBeforeSigning, to move by more than one version,
// and to withdraw a key whose last token may live. Two moves pass at any time: back to the version that signed
// just before, since every verifier that takes the tokens of now knows it, and so a rollback never fails; and away
// from a key that is dropped, since a leaked key is worse than refused tokens.
//
// What is dropped is destroyed, also across a rollback, which must find a key all the same: the version that signed
// until then gets the key of the version that signs from now on, the only one that other verifiers can know.
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
		return Ring{}, r.refusal(m, r.Current(), "this request was carried out, and a later one has changed the ring since")
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

// belongs returns an error that wraps ErrForeign unless the stack that asks may move the ring. Two stacks that share a
// ring would move each other's keys, and either could destroy them.
func (r Ring) belongs(m Move) error {
	if r.Stack == "" || r.Stack == m.Stack || r.Stack == m.TakeOver {
		return nil
	}
	return fmt.Errorf("%s: %w, %s: delete that stack first, then deploy with TakeOverStack=%[3]s", r.Kind, ErrForeign, r.Stack)
}

// maxVersion can be published and never sign, because there is none after it.
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
		return r.refusal(m, from+1, "version %d signs, and a move goes by one", from)
	case to < from && from-to > 1:
		return r.refusal(m, from-1, "version %d signs, and a move goes by one", from)
	case m.Drop.All && to < from && isDoomed(from):
		return r.refusal(m, from, "%s=all goes with the version that signs or the next one", r.Kind.dropProperty())
	case m.Drop.All && isDoomed(from) && (to != from || r.Kind == SigningRing):
		return nil
	case to == from && isDoomed(from):
		return r.refusal(m, from+1, "%s names the key that signs, which takes the next version", r.Kind.dropProperty())
	case to == from || isDoomed(from):
		return nil
	case isDoomed(to):
		return r.refusal(m, from, "%s names its key", r.Kind.dropProperty())
	case m.Immediately && to == from+1:
		return nil
	}
	target, known := r.Keys[to]
	if known && !target.Retired.IsZero() && !target.Retired.Before(r.Keys[from].SigningSince) {
		return nil // it signed just before
	}
	if r.Kind != SigningRing {
		return r.guardSessions(m, now)
	}
	if !known || target.Published.IsZero() {
		return r.refusal(m, from, "its key is not published yet, which a deployment of version %d does", from)
	}
	if ready := target.Published.Add(PublishedBeforeSigning); now.Before(ready) {
		e := r.refusal(m, from, "its key is published since %s, and verifiers may not know it for %v",
			writeTime(target.Published), PublishedBeforeSigning)
		e.Until = ready
		return e
	}
	return r.guardTokens(m, now)
}

// guardTokens refuses to withdraw a public key whose last access token may live.
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
			e := r.refusal(m, from, "it withdraws the key of version %d, whose tokens live", v)
			e.Until = ends
			return e
		}
	}
	return nil
}

// guardSessions refuses to go where refresh tokens or known-device tokens would be taken for forged; see
// Refresh.RefreshTokenKey and Login.LoginKey.
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

// moved carries out what was found to be right.
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
	// Each request is remembered, also one that finds all done: repeated after the next one, it would move back.
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

// fill gives version v a key, in a ring that is not shared yet: a new one, or that of the version which is to sign.
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
		entry.SigningSince = now // until now, as Sign says then: it signed just before
	}
	r.Keys[v] = entry
	return nil
}

// Forget returns the ring without the keys that are of no use while version n signs.
func (r Ring) Forget(n Version, now time.Time) Ring {
	r.Keys = maps.Clone(r.Keys)
	r.forget(n, now)
	return r
}

// forget removes keys that are of no use any more, from a ring that is not shared yet.
func (r Ring) forget(n Version, now time.Time) {
	for v, entry := range r.Keys {
		behind := int(n) - int(v)
		old := behind > 1 && !entry.Retired.IsZero() && !now.Before(entry.Retired.Add(r.Kind.Retention()))
		if old && (r.Kind != SigningRing || behind > keptBehind) {
			delete(r.Keys, v)
		}
	}
}
