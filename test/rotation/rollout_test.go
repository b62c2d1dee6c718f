package rotation

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// A deployment changes the rings first. The alias of each function then moves at its own time, some
// after a canary. A key is published three hours before it signs. Gateways may use an old key set
// for two hours, from a cache that keeps it for another quarter of an hour. The remaining time is
// left for the deployment.
const (
	lastBegins    = 15 * time.Minute
	longestCanary = 25 * time.Minute
	settles       = lastBegins + longestCanary + time.Minute
)

// step is one deployment in a scenario.
type step struct {
	to keyrings.Version
	// later is the time to wait in addition to the three hours that must pass. atOnce requests the
	// step before they have passed, and again at the time that the refusal gives.
	later  time.Duration
	atOnce bool
	alg    token.Algorithm // of new keys; empty leaves the algorithm unchanged

	fails   bool // fails halfway and is rolled back, then succeeds
	returns bool // an alias moves back for a while; the rings stay
}

// create deploys the stack for the first time.
func (sim *simulation) create() {
	sim.t.Helper()
	r, err := sim.move(1, keyrings.Drop{})
	if err != nil {
		sim.t.Fatal(err)
	}
	sim.everywhere(r)
}

// tell schedules the steps one after another and returns the time by which all are done.
func (sim *simulation) tell(steps []step) (end time.Time) {
	end = sim.now
	for _, p := range steps {
		end = end.Add(keyrings.PublishedBeforeSigning + p.later)
		sim.expected = append(sim.expected, end)
	}
	var next func(k int)
	next = func(k int) {
		if k == len(steps) {
			return
		}
		p, done := steps[k], sim.now
		wait := p.later
		if !p.atOnce {
			wait += keyrings.PublishedBeforeSigning
		}
		sim.at(done.Add(wait), func() { sim.deploy(p, func() { next(k + 1) }) })
	}
	next(0)
	// Each step may wait for the previous one to settle, and may be tried twice.
	return end.Add(time.Duration(len(steps)) * (settles + time.Hour))
}

// deploy requests a version, again if it is too early, and rolls it out.
func (sim *simulation) deploy(p step, then func()) {
	was := sim.deployed
	sim.forbidden(was.version+2, was.version+1)
	sim.alg = cmp.Or(p.alg, sim.alg)
	r, err := sim.move(p.to, keyrings.Drop{})
	if err != nil {
		refused := sim.expectRefusal(err, p.to, was.version)
		if refused.Until.Before(sim.now) {
			sim.t.Fatalf("the refusal gives no time: %v", err)
		}
		sim.at(refused.Until, func() { sim.deploy(p, then) })
		return
	}
	sim.count[deployments]++
	if p.to > was.version {
		sim.count[stepsForth]++
	} else if p.to < was.version {
		sim.count[stepsBack]++
	}
	sim.rollOut(was, r, p, then)
}

// forbidden requests a version that must be refused, and rolls it back as CloudFormation does.
func (sim *simulation) forbidden(v, right keyrings.Version) {
	sim.t.Helper()
	_, err := sim.move(v, keyrings.Drop{})
	sim.expectRefusal(err, v, right)
}

// expectRefusal checks that a step was refused, that the error names the right version, and that
// the rollback changes nothing visible.
func (sim *simulation) expectRefusal(err error, v, right keyrings.Version) *keyrings.Refusal {
	sim.t.Helper()
	var refused *keyrings.Refusal
	says := fmt.Sprintf("; use KeyVersion %d", right)
	switch {
	case !errors.As(err, &refused) || !errors.Is(err, keyrings.ErrRefused):
		sim.t.Fatalf("version %d: %v, want a refusal", v, err)
	case refused.Version != v || refused.Right != right || !strings.Contains(err.Error(), says):
		sim.t.Fatalf("version %d is refused with %q, want the version %d named", v, err, right)
	}
	sim.count[refusedMoves]++
	if sim.deployed == nil {
		return refused
	}
	again, err := sim.move(sim.deployed.version, keyrings.Drop{})
	if err != nil || *again != *sim.deployed {
		sim.t.Fatalf("after the refusal, the rollback to %d gives %v, %v", sim.deployed.version, again, err)
	}
	return refused
}

// rollOut moves the aliases to a new release.
func (sim *simulation) rollOut(was, r *release, p step, then func()) {
	sim.deployed = r
	underWay := true
	for _, i := range sim.random.Perm(len(functions)) {
		name := functions[i]
		a, begins := sim.aliases[name], sim.between(0, lastBegins)
		if sim.percent(60) {
			sim.after(begins, func() {
				if underWay {
					a.canary = a.publish(r)
				}
			})
			begins += sim.between(5*time.Minute, longestCanary)
		}
		sim.after(begins, func() {
			if !underWay {
				return
			}
			to := a.canary
			if to == nil {
				to = a.publish(r)
			}
			sim.point(name, to)
		})
	}
	if p.fails {
		sim.after(sim.between(5*time.Minute, settles), func() {
			underWay = false
			sim.rollBack(was, func() {
				p.fails = false
				sim.deploy(p, then)
			})
		})
		return
	}
	if p.returns {
		sim.after(settles, func() { sim.leaveAndReturn(was, r) })
	}
	sim.after(settles, then)
}

// rollBack rolls back as CloudFormation does: the rings first, then the aliases, at different
// times.
func (sim *simulation) rollBack(was *release, then func()) {
	sim.count[stackRollbacks]++
	r, err := sim.move(was.version, keyrings.Drop{})
	if err != nil {
		sim.t.Fatalf("a rollback to %d: %v", was.version, err)
	}
	sim.deployed = r
	for _, name := range functions {
		sim.after(sim.between(0, 10*time.Minute), func() { sim.point(name, sim.aliases[name].publish(r)) })
	}
	sim.after(11*time.Minute, then)
}

// leaveAndReturn moves the alias of one function back, as CodeDeploy does after an alarm, and
// forward again. The alias of discovery stays, because published keys that were withdrawn need the
// full publication time again.
func (sim *simulation) leaveAndReturn(was, r *release) {
	sim.count[aliasRollbacks]++
	name := functions[sim.random.IntN(len(functions)-1)]
	a := sim.aliases[name]
	sim.point(name, a.publish(was))
	sim.after(sim.between(10*time.Minute, time.Hour), func() { sim.point(name, a.publish(r)) })
}
