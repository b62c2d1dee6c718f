// Package modelcheck searches the rules of rotation for two defects: an honest client with one
// token store is logged out, or a thief with a copy of that store goes unnoticed.
//
//	rules := modelcheck.Of(session.DefaultRules(), auth.Balanced)
//	honest := modelcheck.Honest{Model: rules, Grid: 15 * time.Second, AtOnce: 3}
//	found := honest.Search(1000) // found.Story is nil: no wrong logout
//
// [Honest] searches for the first defect, [Thief] for the second. Both searches are exhaustive up
// to a bound, on a grid of instants. Both call session.Rules.Refresh, the function that the product
// calls, on sessions in memory. The tests also give them wrong rules (Model.Refresh) and check that
// they find the defect. A search reports what it finds as a [Story].
//
// The honest client has a finite number of states. On a grid of 15 s the tests search all of them,
// so the result holds for any number of steps. A grid of 5 s has 1.9 million states within 16
// steps, which take a minute or two and 0.3 GB:
//
//	go test ./test/modelcheck -run NeverLoggedOut -v -timeout 60m -model.grid 5s
//
// -model.steps bounds a search that would take too long, for example on a finer grid.
package modelcheck

import (
	"encoding/binary"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Model is the rules under search.
type Model struct {
	Profile auth.Profile
	// Rules tells a search from which age on nothing changes, so that it can merge states.
	Rules session.Rules
	// Refresh decides. It is Rules.Refresh, or a variant that treats one outcome differently.
	Refresh func(session.Presented, *session.Session) session.Decision
}

// Of returns the model of unchanged rules.
func Of(r session.Rules, p auth.Profile) Model { return Model{p, r, r.Refresh} }

// instant is a second since the login. It is small because a search holds millions of states. The
// rules are called with their own types.
type instant int32

// never stands for the time of the last rotation of an item that was never refreshed.
const never instant = -1 << 30

func seconds(d time.Duration) instant { return instant(d / time.Second) }

var (
	login = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	// within is the part of a second at which every event happens: the end. A token's issue time is
	// truncated to whole seconds, so it is then as far before the stamp of the same write as
	// possible, which is the worse case for the honest client.
	within = 999 * time.Millisecond
	// far is an idle and absolute end that no search reaches.
	far = login.AddDate(50, 0, 0)
)

func (i instant) time() time.Time {
	if i == never {
		return time.Time{}
	}
	return login.Add(time.Duration(i)*time.Second + within)
}

// branchID numbers the branches of a search in the order of their creation. The login's branch is
// 1.
type branchID uint16

func (b branchID) branch() (out session.Branch) {
	binary.BigEndian.PutUint16(out[:], uint16(b))
	return out
}

// token is the part of a session.Token that differs between the tokens of one session.
type token struct {
	second     bool // it belongs to the session that a step-up opened
	generation uint16
	branch     branchID
	issued     instant
}

// item is a session in the store.
type item struct {
	generation uint16
	parent     branchID
	stamped    instant
	revoked    bool
	// paused is the end of a handover, or never. created is when a step-up opened the session, or
	// never if a login opened it.
	paused, created instant
}

var (
	firstToken = token{branch: 1}
	firstItem  = item{stamped: never, paused: never, created: never}
)

// present presents t to an instance whose clock shows at. It returns the outcome, the token of the
// answer and the item after it. fresh is the branch of the answer if the answer needs a new one.
func (m Model) present(t token, it item, at instant, fresh branchID) (session.Outcome, token, item) {
	p := m.refresh(t, it, at, fresh)
	return p.outcome, p.next, p.item
}

// presented is the result of a refresh. ends says that the refresh also ends the session that this
// session has replaced.
type presented struct {
	outcome session.Outcome
	next    token
	item    item
	ends    bool
}

func (m Model) refresh(t token, it item, at instant, fresh branchID) presented {
	s := m.session(it)
	d := m.Refresh(session.Presented{
		Token: session.Token{
			Profile: m.Profile, Generation: uint64(t.generation), Branch: t.branch.branch(),
			IssuedAt: t.issued.time().Truncate(time.Second),
		},
		Now: at.time(), Invocation: session.Invocation(fresh.branch()), Fresh: fresh.branch(),
	}, &s)
	next := token{t.second, uint16(d.Next.Generation), numbered(d.Next.Branch), since(d.Next.IssuedAt)}
	return presented{d.Outcome, next, itemOf(s, it.created), d.Ends != session.ID{}}
}

// stepUp begins to replace a session at an instance whose clock shows at. It returns the item
// afterwards, the new session and its first token. done is false if the session is not live.
func (m Model) stepUp(it item, at instant, fresh branchID) (after, opened item, t token, done bool) {
	s := m.session(it)
	if !m.Rules.StepUp(at.time()).Do(&s) {
		return it, item{}, token{}, false
	}
	return itemOf(s, it.created), item{stamped: never, paused: never, created: at}, token{second: true, branch: fresh, issued: at}, true
}

// session returns the item as the rules see it. Its invocation is not kept: no write is repeated.
func (m Model) session(it item) session.Session {
	s := session.Session{
		Kind: session.RefreshKind, Profile: m.Profile, Generation: uint64(it.generation), Parent: it.parent.branch(), RotatedAt: it.stamped.time(),
		CreatedAt: login, IdleTimeout: far.Sub(login), IdleEnd: far, AbsoluteEnd: far, PausedUntil: it.paused.time(),
	}
	if it.created != never {
		s.CreatedAt, s.Replaces = it.created.time(), session.ID{1}
	}
	if it.revoked {
		s.Revocation = &session.Revocation{}
	}
	return s
}

// itemOf returns the item of a session that was created at the given instant.
func itemOf(s session.Session, created instant) item {
	return item{uint16(s.Generation), numbered(s.Parent), since(s.RotatedAt), s.Revocation != nil, since(s.PausedUntil), created}
}

func numbered(b session.Branch) branchID { return branchID(binary.BigEndian.Uint16(b[:])) }

func since(t time.Time) instant {
	if t.IsZero() {
		return never
	}
	return instant(t.Unix() - login.Unix()) // floor, since a slow clock may be before the login
}
