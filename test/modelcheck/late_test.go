package modelcheck

import (
	"container/heap"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// lateAnswers simulates one session of an honest client: three tabs with one token store, used for
// two hours of each day. One answer in frozenIn is frozen with its tab, for example by a laptop's
// lid, and arrives hours later. The other tabs continue. drop says whether the client obeys
// Rules.StoreWithin.
type lateAnswers struct {
	rules  session.Rules
	random *rand.Rand
	drop   bool

	now      time.Time
	planned  agenda
	item     session.Session
	held     session.Token // the client's one store
	fresh    time.Time     // until then the shared access token is good
	branches uint64
	asleep   [3]bool
	frozen   int
	ended    session.Outcome // why the session ended, or ""
}

const (
	frozenIn      = 1000
	simulatedDays = 90
	accessLife    = 15 * time.Minute
)

type appointment struct {
	at time.Time
	do func()
}

type agenda []appointment

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)        { *a = append(*a, x.(appointment)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

func (l *lateAnswers) at(when time.Time, do func()) { heap.Push(&l.planned, appointment{when, do}) }

// between returns a random duration from a to b, in milliseconds.
func (l *lateAnswers) between(a, b time.Duration) time.Duration {
	return a + time.Duration(l.random.Int64N(int64((b-a)/time.Millisecond)))*time.Millisecond
}

func (l *lateAnswers) branch() (b session.Branch) {
	l.branches++
	binary.BigEndian.PutUint64(b[:], l.branches)
	return b
}

// run simulates the session and returns how it ended, or "".
func (l *lateAnswers) run() session.Outcome {
	l.now, l.fresh = login, login.Add(accessLife)
	l.held = session.Token{Profile: auth.Balanced, Branch: l.branch(), IssuedAt: login}
	l.item = session.Session{
		Kind: session.RefreshKind, Profile: auth.Balanced, CreatedAt: login, LastSeen: login, AuthTime: login,
		IdleTimeout: 14 * 24 * time.Hour, IdleEnd: login.AddDate(0, 0, 14), AbsoluteEnd: far,
	}
	for day := range simulatedDays {
		for tab := range l.asleep {
			morning := login.AddDate(0, 0, day)
			for at := morning; at.Before(morning.Add(2 * time.Hour)); at = at.Add(l.between(time.Minute, 40*time.Minute)) {
				l.at(at, func() { l.use(tab) })
			}
		}
	}
	for len(l.planned) > 0 && l.ended == "" {
		next := heap.Pop(&l.planned).(appointment)
		l.now = next.at
		next.do()
	}
	return l.ended
}

// use calls an API from a tab, which refreshes if the access token has ended.
func (l *lateAnswers) use(tab int) {
	if l.asleep[tab] || l.now.Before(l.fresh) {
		return
	}
	sent, held := l.now, l.held
	l.at(l.now.Add(l.between(20*time.Millisecond, 2*time.Second)), func() { l.arrive(tab, sent, held) })
}

func (l *lateAnswers) arrive(tab int, sent time.Time, held session.Token) {
	branch := l.branch()
	d := l.rules.Refresh(session.Presented{
		Token: held, Now: l.now, Invocation: session.Invocation(branch), Fresh: branch,
	}, &l.item)
	if !d.Outcome.Grants() {
		l.ended = d.Outcome
		return
	}
	flight, good := l.between(20*time.Millisecond, 2*time.Second), l.now.Add(accessLife)
	if l.random.IntN(frozenIn) == 0 {
		l.frozen++
		l.asleep[tab] = true
		flight = l.between(time.Hour, 8*time.Hour)
	}
	l.at(l.now.Add(flight), func() {
		l.asleep[tab] = false
		if l.drop && l.now.Sub(sent) > l.rules.StoreWithin {
			return
		}
		l.fresh = good
		if d.Outcome != session.OutcomeSame { // OutcomeSame has no refresh token
			l.held = d.Next
		}
	})
}

// TestLateAnswers: a client that stores an answer of hours ago loses its session. A client that
// drops answers that took longer than Rules.StoreWithin never loses its session.
func TestLateAnswers(t *testing.T) {
	const sessions = 200
	rules := session.DefaultRules()
	// Two flights of answers and requests, and the largest difference between clocks, on either side.
	if least := rules.GracePeriod + 2*rules.StoreWithin + 20*time.Second; rules.MinimumInterval < least {
		t.Errorf("the minimum interval is %v (want at least %v, for flights of %v)", rules.MinimumInterval, least, rules.StoreWithin)
	}
	for _, drop := range []bool{false, true} {
		ended, frozen := 0, 0
		for seed := range uint64(sessions) {
			l := &lateAnswers{rules: rules, random: rand.New(rand.NewPCG(seed, 45)), drop: drop}
			if l.run() != "" {
				ended++
			}
			frozen += l.frozen
		}
		t.Logf("%d of %d sessions of three tabs ended in %d days, with %d frozen answers, 1 in %d; late answers dropped: %t",
			ended, sessions, simulatedDays, frozen, frozenIn, drop)
		if frozen == 0 || drop != (ended == 0) {
			t.Errorf("%d sessions ended, with late answers dropped: %t", ended, drop)
		}
	}
}
