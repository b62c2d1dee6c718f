// Package rotation deploys a stack again and again, on a driven clock and under load, while its keys rotate: whatever
// the order in which functions get their new versions, and whoever holds which key set, nobody may refuse a good access
// token and nobody may be logged out.
//
// Functions, rings, rules and endpoints are the real ones. Stores and secrets are kept in memory, and what AWS does is
// done here: versions that never change, aliases, canaries, instances that live on, gateways that keep a key set.
//
// Whatever a seed decides, it decides before anybody knows a random byte of a token, so that a seed tells one story.
package rotation

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// begin is when the stack is made.
var begin = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// world is one run.
type world struct {
	t      *testing.T
	now    time.Time
	random *rand.Rand
	events events
	count  counts

	*stack
	verifiers []*verifier
	clients   []*client
	expected  []time.Time          // deployments, about; clients come when something happens
	issued    []*access            // the access tokens of all clients
	first     map[string]time.Time // when a kid was first seen in one

	refused []refusal // of access tokens that had not ended
	ended   []refusal // sessions that ended
}

// refusal is what must not happen.
type refusal struct {
	at      time.Time
	by      string
	client  *client
	kid     string          // of the access token; empty for a session
	version keyring.Version // of the key
	why     string
}

func (r refusal) String() string {
	return fmt.Sprintf("after %v: %s refuses %s, whose key is version %d: %s",
		r.at.Sub(begin), r.by, r.client, r.version, r.why)
}

func newWorld(t *testing.T, seed uint64, alg token.Algorithm) *world {
	w := &world{t: t, now: begin, random: rand.New(rand.NewPCG(seed, 9)), count: counts{}, first: map[string]time.Time{}}
	w.stack = newStack(w, alg)
	return w
}

// event is something that happens at a time. What was planned first happens first.
type event struct {
	at    time.Time
	order int
	do    func()
}

type events struct {
	list []event
	made int
}

func (e *events) Len() int { return len(e.list) }
func (e *events) Less(i, j int) bool {
	a, b := e.list[i], e.list[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.order < b.order
}
func (e *events) Swap(i, j int) { e.list[i], e.list[j] = e.list[j], e.list[i] }
func (e *events) Push(x any)    { e.list = append(e.list, x.(event)) }
func (e *events) Pop() any {
	last := len(e.list) - 1
	x := e.list[last]
	e.list = e.list[:last]
	return x
}

func (w *world) at(when time.Time, do func()) {
	w.events.made++
	heap.Push(&w.events, event{when, w.events.made, do})
}

func (w *world) after(d time.Duration, do func()) { w.at(w.now.Add(d), do) }

// run lets happen what is planned until then, and nothing that would end in a thousand errors.
func (w *world) run(until time.Time) {
	for w.events.Len() > 0 && !w.events.list[0].at.After(until) && !w.t.Failed() {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
	}
	w.now = until
}

// between returns a time from a to b, in milliseconds.
func (w *world) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.random.Int64N(int64((b-a)/time.Millisecond)+1))*time.Millisecond
}

func (w *world) percent(n int) bool { return w.random.IntN(100) < n }

// counts says what has really happened.
type counts map[string]int

// The things counted, in the order of a report.
const (
	deployments     = "deployments"
	stepsForth      = "versions forth"
	stepsBack       = "versions back"
	refusedMoves    = "refused moves"
	stackRollbacks  = "stack rollbacks"
	aliasRollbacks  = "alias rollbacks"
	starts          = "instances started"
	outages         = "starts without a ring"
	canaryCalls     = "canary calls"
	besideCalls     = "calls beside a canary"
	formerCalls     = "calls after the alias moved"
	staleCalls      = "calls of instances with an older ring"
	revivedCalls    = "calls of instances from before the alias left and came back"
	logins          = "logins"
	passwordChanges = "password changes"
	unavailable     = "answers 503"
	refreshes       = "refreshes"
	duplicates      = "duplicate refreshes"
	lost            = "lost answers"
	longIdle        = "returns after more than a day"
	refreshAhead    = "refresh tokens from one version ahead"
	refreshSame     = "from the same version"
	refreshBehind   = "from one version behind"
	refreshOlder    = "from older versions"
	accessAhead     = "access tokens from one version ahead"
	accessSame      = "from this version"
	accessBehind    = "from the version behind"
	gatewayFetches  = "key sets fetched by gateways"
	gatewayHits     = "checks by gateways"
	gatewayStale    = "of them with a key set that is no longer published"
	gatewayFirst    = "of them with a key set from before the key signed"
	balancerFetches = "key sets fetched by load balancers"
	balancerHits    = "checks by load balancers"
	endedTokens     = "ended tokens refused"
)

var report = []string{
	deployments, stepsForth, stepsBack, refusedMoves, stackRollbacks, aliasRollbacks,
	starts, outages, canaryCalls, besideCalls, formerCalls, staleCalls, revivedCalls,
	logins, passwordChanges, unavailable, refreshes, duplicates, lost, longIdle,
	refreshAhead, refreshSame, refreshBehind, refreshOlder, accessAhead, accessSame, accessBehind,
	gatewayFetches, gatewayHits, gatewayStale, gatewayFirst, balancerFetches, balancerHits, endedTokens,
}

func (c counts) String() string {
	var words []string
	for _, name := range report {
		words = append(words, fmt.Sprintf("%d %s", c[name], name))
	}
	return strings.Join(words, ", ")
}

// expectPeace holds that no good token was refused and no session has ended.
func (w *world) expectPeace() {
	w.t.Helper()
	for _, list := range [][]refusal{w.refused, w.ended} {
		for i, r := range list {
			if i == 5 {
				w.t.Errorf("and %d more", len(list)-i)
				break
			}
			w.t.Error(r)
		}
	}
}
