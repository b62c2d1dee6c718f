// Package modelcheck searches the rules of rotation for the two ways in which they could be wrong: a client with one
// token store is logged out for nothing, or a thief with a copy of that store goes on unnoticed.
//
// Honest is the first search and Thief the second. Both are exhaustive up to a bound, on a grid of instants, and both
// call the very functions that the product calls, on sessions in memory: session.Rules.Refresh, or whatever Model says
// instead, so that the tests can hold a search to finding what is wrong with wrong rules. What a search finds is told
// as a Story.
//
// The honest client's states turn out to be finite in number: the search sees all there are, and what it finds holds for
// any number of steps. The tests do so on a grid of 15 s. On one of 5 s there are 1.9 million states within 16 steps,
// which take a minute or two and 0.3 GB:
//
//	go test ./test/modelcheck -run NeverLoggedOut -v -timeout 60m -model.grid 5s
//
// -model.steps bounds a search that would take too long, as that of a finer grid.
package modelcheck

import (
	"encoding/binary"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Model is the rules that are searched.
type Model struct {
	Profile auth.Profile
	// Rules tells a search which ages differ for nobody, so that it need not tell them apart.
	Rules session.Rules
	// Refresh decides. It is Rules.Refresh, or differs from it only in what it makes of an outcome.
	Refresh func(session.Presented, *session.Session) session.Decision
}

// Of returns the model of rules as they are.
func Of(r session.Rules, p auth.Profile) Model { return Model{p, r, r.Refresh} }

// instant is a second since the login. Searches hold millions of states, so theirs are small; the rules are asked in
// their own types.
type instant int32

// never is when an item that was never refreshed was stamped.
const never instant = -1 << 30

func seconds(d time.Duration) instant { return instant(d / time.Second) }

var (
	login = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	// within is where in its second everything happens: at the end, so that a token's issue time, which is cut to
	// whole seconds, lies as far before the stamp of the same write as it ever can. That is the worse side for the
	// honest client.
	within = 999 * time.Millisecond
	// far is an idle and an absolute end that no search reaches.
	far = login.AddDate(50, 0, 0)
)

func (i instant) time() time.Time {
	if i == never {
		return time.Time{}
	}
	return login.Add(time.Duration(i)*time.Second + within)
}

// branchID numbers the branches of a search in the order in which they were given out. The login's is 1.
type branchID uint16

func (b branchID) branch() (out session.Branch) {
	binary.BigEndian.PutUint16(out[:], uint16(b))
	return out
}

// token is what a session.Token says, but for what is the same in all tokens of one session.
type token struct {
	generation uint16
	branch     branchID
	issued     instant
}

// item is the session in the store.
type item struct {
	generation uint16
	parent     branchID
	stamped    instant
	revoked    bool
}

var (
	firstToken = token{branch: 1}
	firstItem  = item{stamped: never}
)

// present asks the rules what becomes of t and of the item when an instance whose clock shows at takes t.
// fresh is the branch of the answer, should it need one.
func (m Model) present(t token, it item, at instant, fresh branchID) (session.Outcome, token, item) {
	s := session.Session{
		Profile: m.Profile, Generation: uint64(it.generation), Parent: it.parent.branch(), RotatedAt: it.stamped.time(),
		IdleTimeout: far.Sub(login), IdleEnd: far, AbsoluteEnd: far,
	}
	d := m.Refresh(session.Presented{
		Token: session.Token{
			Profile: m.Profile, Generation: uint64(t.generation), Branch: t.branch.branch(),
			IssuedAt: t.issued.time().Truncate(time.Second),
		},
		Now: at.time(), Invocation: session.Invocation(fresh.branch()), Fresh: fresh.branch(),
	}, &s)
	next := token{uint16(d.Next.Generation), numbered(d.Next.Branch), since(d.Next.IssuedAt)}
	after := item{uint16(s.Generation), numbered(s.Parent), since(s.RotatedAt), s.Revocation != nil}
	return d.Outcome, next, after
}

func numbered(b session.Branch) branchID { return branchID(binary.BigEndian.Uint16(b[:])) }

func since(t time.Time) instant {
	if t.IsZero() {
		return never
	}
	return instant(t.Unix() - login.Unix()) // whole seconds, downwards: a slow clock may show one before the login
}
