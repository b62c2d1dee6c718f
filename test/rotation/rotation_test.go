package rotation

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// seasons is the life of a stack: rotations as close together as the guard allows and days apart, a
// step back, failed deployments, and keys of another algorithm.
func (sim *simulation) seasons() []step {
	days := func() time.Duration { return sim.between(24*time.Hour, 4*24*time.Hour) }
	return []step{
		{to: 2, atOnce: true},
		{to: 3, atOnce: true, returns: true},
		{to: 4, later: days(), fails: true},
		{to: 5, atOnce: true, alg: token.ES256},
		{to: 6, later: days(), returns: true},
		{to: 5, later: sim.between(0, 6*time.Hour)},
		{to: 6, atOnce: true, fails: true},
		{to: 7, atOnce: true, returns: true},
		{to: 8, later: sim.between(0, time.Minute)},
	}
}

// live simulates a whole life of a stack under load.
func live(t *testing.T, seed uint64) *simulation {
	sim := newSimulation(t, seed, token.EdDSA)
	sim.create()
	sim.addVerifiers()
	sim.addClients(40)
	end := sim.tell(sim.seasons())
	sim.run(end)
	for _, c := range sim.clients {
		sim.after(0, c.renewOnce) // idle clients return too
	}
	sim.run(end.Add(time.Hour))
	return sim
}

// atLeast holds the minimum number of events that a run must have for its result to mean something.
var atLeast = counts{
	deployments: 11, stepsForth: 10, stepsBack: 1, refusedMoves: 18, stackRollbacks: 2, aliasRollbacks: 3,
	starts: 300, outages: 4, canaryCalls: 20, besideCalls: 200, formerCalls: 4, staleCalls: 1500, revivedCalls: 400,
	logins: 40, passwordChanges: 1, unavailable: 4, refreshes: 4000, duplicates: 500, lost: 250, longIdle: 40,
	refreshAhead: 15, refreshSame: 3000, refreshBehind: 200, refreshOlder: 200,
	accessAhead: 30, accessSame: 6000, accessBehind: 100, endedTokens: 300,
	gatewayFetches: 200, gatewayHits: 3500, gatewayStale: 500, gatewayFirst: 150, balancerFetches: 6, balancerHits: 1200,
}

var seeds = flag.Uint64("rotation.seeds", 4, "number of simulated stack lives")

func TestRotationIsInvisible(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			sim := live(t, seed)
			sim.expectPeace()
			t.Logf("in %v, %v of the stack's life: %v", time.Since(start).Round(time.Millisecond), sim.now.Sub(begin), sim.count)
			for name, least := range atLeast {
				if sim.count[name] < least {
					t.Errorf("%d %s; want at least %d", sim.count[name], name, least)
				}
			}
		})
	}
}
