package modelcheck

import (
	"container/heap"
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// More walks: go test ./test/modelcheck -run CookieJar -v -model.walks 100000
var walks = flag.Int("model.walks", 500, "random walks of a cookie jar for each row")

// cookieJar simulates one browser whose refresh token is a cookie. Tabs and servers that render pages
// send it, all without a lock. A sender reads the jar when it sends. Every answer overwrites the jar
// when it arrives, however late: a browser stores the cookies of an answer even if its page is frozen
// or gone.
//
// Unlike a page that stores tokens itself, a jar cannot drop a late answer. So the time that a
// request and an answer may be in transit decides.
type cookieJar struct {
	rules  session.Rules
	random *rand.Rand
	legs   legs

	now      time.Time
	planned  agenda
	item     session.Session
	jar      session.Token
	branches uint64
	ended    session.Outcome
}

// legs are the longest times in transit of requests and answers. One of lateIn answers takes up to
// late.
type legs struct {
	request, answer time.Duration
	late            time.Duration
}

const (
	senders = 5 // tabs, and servers that render
	lateIn  = 20
	// jarTime is the duration of a walk. The senders refresh far more often than the life of an
	// access token requires, so a walk has the overlaps of months.
	jarTime    = 2 * time.Hour
	jarLossIn  = 10
	jarSpreads = 4 // 1 in jarSpreads waits is long enough for a rotation
)

func (j *cookieJar) at(when time.Time, do func()) { heap.Push(&j.planned, appointment{when, do}) }

// flight returns how long a message is in transit. Half of all messages take the longest time or
// almost no time, because faults occur at these extremes.
func (j *cookieJar) flight(longest time.Duration) time.Duration {
	switch j.random.IntN(4) {
	case 0:
		return longest
	case 1:
		return 20 * time.Millisecond
	}
	return time.Duration(j.random.Int64N(int64(longest)))
}

func (j *cookieJar) branch() (b session.Branch) {
	j.branches++
	binary.BigEndian.PutUint64(b[:], j.branches)
	return b
}

// run simulates the session and returns how it ended, or "".
func (j *cookieJar) run() session.Outcome {
	j.now = login
	j.jar = session.Token{Profile: auth.Balanced, Branch: j.branch(), IssuedAt: login}
	j.item = session.Session{
		Kind: session.RefreshKind, Profile: auth.Balanced, CreatedAt: login, LastSeen: login, AuthTime: login,
		IdleTimeout: far.Sub(login), IdleEnd: far, AbsoluteEnd: far,
	}
	for range senders {
		j.at(login.Add(j.pause()), j.send)
	}
	for len(j.planned) > 0 && j.ended == "" {
		next := heap.Pop(&j.planned).(appointment)
		j.now = next.at
		next.do()
	}
	return j.ended
}

// pause returns how long a sender waits until its next refresh.
func (j *cookieJar) pause() time.Duration {
	if j.random.IntN(jarSpreads) == 0 {
		return j.rules.MinimumInterval + time.Duration(j.random.Int64N(int64(j.rules.LateUse)))
	}
	return time.Duration(j.random.Int64N(int64(j.rules.GracePeriod)))
}

func (j *cookieJar) send() {
	if j.now.Sub(login) > jarTime {
		return
	}
	j.at(j.now.Add(j.pause()), j.send)
	if j.random.IntN(jarLossIn) == 0 {
		return // the request is lost
	}
	token := j.jar
	j.at(j.now.Add(j.flight(j.legs.request)), func() { j.arrive(token) })
}

// arrive takes a request at an instance whose clock is right or 5 s off.
func (j *cookieJar) arrive(token session.Token) {
	branch := j.branch()
	d := j.rules.Refresh(session.Presented{
		Token: token, Now: j.now.Add(time.Duration(j.random.IntN(3)-1) * 5 * time.Second), Invocation: session.Invocation(branch), Fresh: branch,
	}, &j.item)
	switch {
	case !d.Outcome.Grants():
		j.ended = d.Outcome
		return
	case d.Outcome == session.OutcomeSame || j.random.IntN(jarLossIn) == 0:
		return // the answer sets no cookie, or is lost
	}
	flight := j.flight(j.legs.answer)
	if j.legs.late > 0 && j.random.IntN(lateIn) == 0 {
		flight = time.Duration(j.random.Int64N(int64(j.legs.late)))
	}
	j.at(j.now.Add(flight), func() { j.jar = d.Next })
}

// TestCookieJar: a browser that keeps the refresh token in a cookie, with several senders and no lock,
// is not logged out while a request and an answer take at most Rules.StoreWithin each. The other rows
// show the margin: beyond it the jar stores an answer that the next rotation has overtaken.
func TestCookieJar(t *testing.T) {
	within := session.DefaultRules().StoreWithin
	both := func(leg time.Duration) legs { return legs{request: leg, answer: leg} }
	for _, row := range []struct {
		legs legs
		want bool // the rules promise no logout
	}{
		{both(within), true},
		{both(50 * time.Second), true}, // with clocks 5 s off instead of 10 s
		{both(55 * time.Second), false},
		{both(60 * time.Second), false},
		{legs{request: 60 * time.Second, answer: 90 * time.Second}, false},
		{legs{request: 150 * time.Second, answer: within}, false},
		{legs{request: within, answer: within, late: 8 * time.Hour}, false},
	} {
		ended := 0
		for seed := range uint64(*walks) {
			j := &cookieJar{rules: session.DefaultRules(), random: rand.New(rand.NewPCG(seed, 46)), legs: row.legs}
			if j.run() != "" {
				ended++
			}
		}
		t.Logf("requests %v, answers %v, 1 in %d up to %v: %d of %d walks end with a logout",
			row.legs.request, row.legs.answer, lateIn, max(row.legs.answer, row.legs.late), ended, *walks)
		if row.want && ended > 0 {
			t.Errorf("%+v: %d walks end with a logout, want 0", row.legs, ended)
		}
		if row.legs.late > 0 && ended == 0 {
			t.Errorf("%+v: no walk ends with a logout, so the simulation finds nothing", row.legs)
		}
	}
}
