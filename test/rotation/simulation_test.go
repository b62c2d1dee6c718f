// Package rotation simulates a stack that is deployed again and again, on a driven clock and under
// load, while its keys rotate. Functions get their new versions in random order, and external
// verifiers hold old and new key sets. No valid access token may be refused, and no session may
// end.
//
// Functions, rings, rules and endpoints are the real ones. Stores and secrets are in memory. The
// package simulates AWS: immutable function versions, aliases, canaries, long-lived instances, and
// gateways that cache key sets.
//
// A seed decides everything before any random byte of a token is known, so each seed always
// produces the same run.
package rotation

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// begin is when the stack is created.
var begin = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// simulation is one run: the stack, its clients and verifiers, and what is planned.
type simulation struct {
	t      *testing.T
	now    time.Time
	random *rand.Rand
	events events
	count  counts

	*stack
	verifiers []*verifier
	clients   []*client
	expected  []time.Time          // approximate times of deployments, near which clients return
	issued    []*access            // the access tokens of all clients
	first     map[string]time.Time // when a kid first appeared in an access token
	// passwordsStay is for runs that log in again: their functions cannot replace a hash, see
	// passwordCost.
	passwordsStay bool

	refused []refusal // refusals of unexpired access tokens
	ended   []refusal // ended sessions
}

// refusal is an event that must not happen.
type refusal struct {
	at      time.Time
	by      string
	client  *client
	kid     string           // of the access token; empty for a session
	version keyrings.Version // of the key
	refresh string           // the refresh token of a session
	why     string
}

func (r refusal) String() string {
	return fmt.Sprintf("after %v: %s refuses %s, whose key is version %d: %s",
		r.at.Sub(begin), r.by, r.client, r.version, r.why)
}

func newSimulation(t *testing.T, seed uint64, alg token.Algorithm) *simulation {
	sim := &simulation{t: t, now: begin, random: rand.New(rand.NewPCG(seed, 9)), count: counts{}, first: map[string]time.Time{}}
	sim.stack = newStack(sim, alg)
	return sim
}

// event is something planned for a time. Events at the same time happen in the order of planning.
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

func (sim *simulation) at(when time.Time, do func()) {
	sim.events.made++
	heap.Push(&sim.events, event{when, sim.events.made, do})
}

func (sim *simulation) after(d time.Duration, do func()) { sim.at(sim.now.Add(d), do) }

// run processes the planned events until the given time, and stops early after many errors.
func (sim *simulation) run(until time.Time) {
	for sim.events.Len() > 0 && !sim.events.list[0].at.After(until) && !sim.t.Failed() {
		e := heap.Pop(&sim.events).(event)
		sim.now = e.at
		e.do()
	}
	sim.now = until
}

// between returns a random duration from a to b, in milliseconds.
func (sim *simulation) between(a, b time.Duration) time.Duration {
	return a + time.Duration(sim.random.Int64N(int64((b-a)/time.Millisecond)+1))*time.Millisecond
}

func (sim *simulation) percent(n int) bool { return sim.random.IntN(100) < n }

// counts holds how often each event happened.
type counts map[string]int

// The counted events, in the order of the report.
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
	knownLogins     = "of them from a known device"
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
	logins, knownLogins, passwordChanges, unavailable, refreshes, duplicates, lost, longIdle,
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

// expectPeace checks that no valid token was refused and no session ended.
func (sim *simulation) expectPeace() {
	sim.t.Helper()
	for _, list := range [][]refusal{sim.refused, sim.ended} {
		for i, r := range list {
			if i == 5 {
				sim.t.Errorf("and %d more", len(list)-i)
				break
			}
			sim.t.Error(r)
		}
	}
}
