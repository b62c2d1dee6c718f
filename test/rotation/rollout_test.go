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
func (w *world) create() {
	w.t.Helper()
	r, err := w.move(1, keyrings.Drop{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.everywhere(r)
}

// tell schedules the steps one after another and returns the time by which all are done.
func (w *world) tell(steps []step) (end time.Time) {
	end = w.now
	for _, p := range steps {
		end = end.Add(keyrings.PublishedBeforeSigning + p.later)
		w.expected = append(w.expected, end)
	}
	var next func(k int)
	next = func(k int) {
		if k == len(steps) {
			return
		}
		p, done := steps[k], w.now
		wait := p.later
		if !p.atOnce {
			wait += keyrings.PublishedBeforeSigning
		}
		w.at(done.Add(wait), func() { w.deploy(p, func() { next(k + 1) }) })
	}
	next(0)
	// Each step may wait for the previous one to settle, and may be tried twice.
	return end.Add(time.Duration(len(steps)) * (settles + time.Hour))
}

// deploy requests a version, again if it is too early, and rolls it out.
func (w *world) deploy(p step, then func()) {
	was := w.deployed
	w.forbidden(was.version+2, was.version+1)
	w.alg = cmp.Or(p.alg, w.alg)
	r, err := w.move(p.to, keyrings.Drop{})
	if err != nil {
		refused := w.expectRefusal(err, p.to, was.version)
		if refused.Until.Before(w.now) {
			w.t.Fatalf("the refusal gives no time: %v", err)
		}
		w.at(refused.Until, func() { w.deploy(p, then) })
		return
	}
	w.count[deployments]++
	if p.to > was.version {
		w.count[stepsForth]++
	} else if p.to < was.version {
		w.count[stepsBack]++
	}
	w.rollOut(was, r, p, then)
}

// forbidden requests a version that must be refused, and rolls it back as CloudFormation does.
func (w *world) forbidden(v, right keyrings.Version) {
	w.t.Helper()
	_, err := w.move(v, keyrings.Drop{})
	w.expectRefusal(err, v, right)
}

// expectRefusal checks that a step was refused, that the error names the right version, and that
// the rollback changes nothing visible.
func (w *world) expectRefusal(err error, v, right keyrings.Version) *keyrings.Refusal {
	w.t.Helper()
	var refused *keyrings.Refusal
	says := fmt.Sprintf("; use KeyVersion %d", right)
	switch {
	case !errors.As(err, &refused) || !errors.Is(err, keyrings.ErrRefused):
		w.t.Fatalf("version %d: %v, want a refusal", v, err)
	case refused.Version != v || refused.Right != right || !strings.Contains(err.Error(), says):
		w.t.Fatalf("version %d is refused with %q, want the version %d named", v, err, right)
	}
	w.count[refusedMoves]++
	if w.deployed == nil {
		return refused
	}
	again, err := w.move(w.deployed.version, keyrings.Drop{})
	if err != nil || *again != *w.deployed {
		w.t.Fatalf("after the refusal, the rollback to %d gives %v, %v", w.deployed.version, again, err)
	}
	return refused
}

// rollOut moves the aliases to a new release.
func (w *world) rollOut(was, r *release, p step, then func()) {
	w.deployed = r
	underWay := true
	for _, i := range w.random.Perm(len(functions)) {
		name := functions[i]
		a, begins := w.aliases[name], w.between(0, lastBegins)
		if w.percent(60) {
			w.after(begins, func() {
				if underWay {
					a.canary = a.publish(r)
				}
			})
			begins += w.between(5*time.Minute, longestCanary)
		}
		w.after(begins, func() {
			if !underWay {
				return
			}
			to := a.canary
			if to == nil {
				to = a.publish(r)
			}
			w.point(name, to)
		})
	}
	if p.fails {
		w.after(w.between(5*time.Minute, settles), func() {
			underWay = false
			w.rollBack(was, func() {
				p.fails = false
				w.deploy(p, then)
			})
		})
		return
	}
	if p.returns {
		w.after(settles, func() { w.leaveAndReturn(was, r) })
	}
	w.after(settles, then)
}

// rollBack rolls back as CloudFormation does: the rings first, then the aliases, at different
// times.
func (w *world) rollBack(was *release, then func()) {
	w.count[stackRollbacks]++
	r, err := w.move(was.version, keyrings.Drop{})
	if err != nil {
		w.t.Fatalf("a rollback to %d: %v", was.version, err)
	}
	w.deployed = r
	for _, name := range functions {
		w.after(w.between(0, 10*time.Minute), func() { w.point(name, w.aliases[name].publish(r)) })
	}
	w.after(11*time.Minute, then)
}

// leaveAndReturn moves the alias of one function back, as CodeDeploy does after an alarm, and
// forward again. The alias of discovery stays, because published keys that were withdrawn need the
// full publication time again.
func (w *world) leaveAndReturn(was, r *release) {
	w.count[aliasRollbacks]++
	name := functions[w.random.IntN(len(functions)-1)]
	a := w.aliases[name]
	w.point(name, a.publish(was))
	w.after(w.between(10*time.Minute, time.Hour), func() { w.point(name, a.publish(r)) })
}
