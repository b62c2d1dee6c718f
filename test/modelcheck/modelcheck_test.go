package modelcheck

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

var (
	steps  = flag.Int("model.steps", 1000, "the greatest depth of the search for a wrong logout")
	stepUp = flag.Duration("model.stepup", 45*time.Second, "the grid of the search with a step-up")
	grid   = flag.Duration("model.grid", 15*time.Second, "the grid of the search for a wrong logout")
)

func honest(m Model) Honest { return Honest{Model: m, Grid: 15 * time.Second, AtOnce: 3} }

func TestOneStoreIsNeverLoggedOut(t *testing.T) {
	for _, p := range []auth.Profile{auth.Balanced, auth.Fixed} {
		t.Run(p.String(), func(t *testing.T) {
			start := time.Now()
			search := honest(asBuilt(p))
			search.Grid = *grid
			found := search.Search(*steps)
			if found.Story != nil {
				t.Errorf("a wrong logout in %d steps:\n%s", found.Steps, found.Story)
			}
			t.Logf("%d steps, complete: %t; %d states in %s",
				found.Steps, found.Complete, found.States, time.Since(start).Round(time.Millisecond))
		})
	}
}

// A client that steps up is never logged out either, even if the answer of the step-up is lost or an
// answer of the old session overtakes it. With two refreshes in transit and a grid of 15 s, there
// are 957,000 states, which take a minute:
//
//	go test ./test/modelcheck -run StepUpNever -v -model.stepup 15s
func TestStepUpNeverLogsOut(t *testing.T) {
	for _, p := range []auth.Profile{auth.Balanced, auth.Fixed} {
		for atOnce := 2; atOnce <= 3; atOnce++ {
			t.Run(fmt.Sprintf("%s, %d at once", p, atOnce), func(t *testing.T) {
				search := Honest{Model: asBuilt(p), Grid: 45 * time.Second, AtOnce: atOnce, StepUp: true}
				if atOnce == 2 {
					search.Grid = *stepUp
				}
				found := search.Search(*steps)
				if found.Story != nil || !found.Complete {
					t.Errorf("complete: %t; a wrong logout in %d steps:\n%s", found.Complete, found.Steps, found.Story)
				}
				t.Logf("%d steps, complete: %t; %d states", found.Steps, found.Complete, found.States)
			})
		}
	}
}

// If the old session ends too early, or keeps issuing refresh tokens, the client may hold one of
// its tokens when it ends.
func TestWrongHandoverLogsOut(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model Model
		grid  time.Duration
	}{
		{"the old session ends at once", handover(0), 45 * time.Second},
		{"the old session ends after the minimum interval", handover(session.DefaultRules().MinimumInterval), 45 * time.Second},
		{"the legs without the clocks", handover(180 * time.Second), 45 * time.Second},
		{"the old session is not paused", unpaused(asBuilt(auth.Balanced)), 45 * time.Second},
		{"it ends after the minimum interval and is not paused", unpaused(handover(session.DefaultRules().MinimumInterval)), 45 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := Honest{Model: tt.model, Grid: tt.grid, AtOnce: 2, StepUp: true}.Search(14)
			if found.Story == nil || found.Story.End() != session.OutcomeRevoked {
				t.Fatalf("nothing found in %d steps, %d states", found.Steps, found.States)
			}
			t.Logf("%d steps, %d states\n%s", found.Steps, found.States, found.Story)
		})
	}
}

// Wrong rules log out an honest client, and the search finds the shortest way to it.
func TestWrongRulesLogOut(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model Model
		steps int
	}{
		{"a minimum interval of 60 s", minimumInterval(60 * time.Second), 7},
		{"a minimum interval of 125 s", minimumInterval(125 * time.Second), 9},
		{"a late-use bound of 60 s", lateUse(60 * time.Second), 7},
		{"a grace period of 120 s", gracePeriod(120 * time.Second), 9},
		{"no stamp at a recovery", where(session.OutcomeRecovered, writesNothing), 9},
		{"no row for duplicates", where(session.OutcomeDuplicate, revokes), 4},
		{"no row for late duplicates", where(session.OutcomeRecovered, revokes), 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expectLogout(t, honest(tt.model).Search(tt.steps), tt.steps)
		})
	}
}

// This is the price of the strict profile, as the README states it: even a client that never has
// two refreshes under way is logged out if one answer is lost.
func TestStrictLogsOutAtALostAnswer(t *testing.T) {
	patient := honest(asBuilt(auth.Strict))
	patient.AtOnce = 1
	found := patient.Search(4)
	expectLogout(t, found, 4)
	if strings.Contains(found.Story.String(), "receives") {
		t.Errorf("an answer arrives, want none:\n%s", found.Story)
	}
}

// This is why the answer to a refresh that changed nothing carries no refresh token.
func TestRepeatingATokenLogsOut(t *testing.T) {
	repeating := Honest{Model: asBuilt(auth.Balanced), Grid: 45 * time.Second, AtOnce: 3, Repeats: true}
	expectLogout(t, repeating.Search(13), 13)
}

func expectLogout(t *testing.T, found Finding, steps int) {
	t.Helper()
	if found.Story == nil {
		t.Fatalf("nothing found in %d steps", found.Steps)
	}
	t.Logf("%d steps, %d states\n%s", found.Steps, found.States, found.Story)
	end := found.Story[len(found.Story)-1]
	if found.Steps != steps || !end.Outcome.Theft() || !end.item.revoked {
		t.Errorf("found after %d steps, want %d and a session that ends revoked for theft", found.Steps, steps)
	}
}

// With a late-use bound of 60 s, an honest client is logged out. Request 2 is still in transit when
// the client receives answer 1. It then stamps the generation so late that the token of answer 1
// looks like a copy.
func ExampleHonest_Search() {
	r := session.DefaultRules()
	r.LateUse = 60 * time.Second
	honest := Honest{Model: Of(r, auth.Balanced), Grid: 15 * time.Second, AtOnce: 3}
	fmt.Print(honest.Search(10).Story)
	// Output:
	// 0 s   client  logs in: holds 0a                               generation 0
	// 0 s   client  sends request 1 with 0a                         generation 0
	// 0 s   server  takes request 1 with 0a: rotated, answers 1b    generation 1 from 0a, stamped 0 s
	// 15 s  client  sends request 2 with 0a                         generation 1 from 0a, stamped 0 s
	// 15 s  client  receives answer 1: holds 1b                     generation 1 from 0a, stamped 0 s
	// 15 s  client  sends request 3 with 1b                         generation 1 from 0a, stamped 0 s
	// 60 s  server  takes request 2 with 0a: recovered, answers 1c  generation 1 from 0a, stamped 60 s
	// 60 s  server  takes request 3 with 1b: reuse                  revoked
}

// The longest theft under the default rules. The thief keeps the victim from rotating for as long
// as he can. Then the victim rotates, and any further use of the thief's tokens would prove the
// copy.
func ExampleThief_Search() {
	thief := Thief{Model: Of(session.DefaultRules(), auth.Balanced), Interval: 5 * time.Minute, Grid: 30 * time.Second}
	longest := thief.Search(thief.Bound())
	fmt.Println("out after", longest.Longest, "of at most", thief.Bound())
	fmt.Print(longest.Story)
	// Output:
	// out after 15m0s of at most 16m30s
	// 0 s    victim  logs in: holds 0a                generation 0
	// 0 s    thief   copies 0a                        generation 0
	// 0 s    thief   presents 0a: rotated, gets 1b    generation 1 from 0a, stamped 0 s
	// 300 s  victim  presents 0a: recovered, gets 1c  generation 1 from 0a, stamped 300 s
	// 480 s  thief   presents 0a: recovered, gets 1d  generation 1 from 0a, stamped 480 s
	// 600 s  victim  presents 1c: same, gets 1c       generation 1 from 0a, stamped 480 s
	// 900 s  victim  presents 1c: rotated, gets 2e    generation 2 from 1c, stamped 900 s
}

func TestTheftIsNoticed(t *testing.T) {
	for _, interval := range []time.Duration{60 * time.Second, 150 * time.Second, 300 * time.Second} {
		t.Run(interval.String(), func(t *testing.T) {
			thief := Thief{Model: asBuilt(auth.Balanced), Interval: interval, Grid: 15 * time.Second}
			s := thief.Search(thief.Bound())
			if !s.Noticed {
				t.Errorf("a thief goes on beyond %s:\n%s", thief.Bound(), s.Story)
			}
			t.Logf("the longest theft took %s of %s; %d states\n%s", s.Longest, thief.Bound(), s.States, s.Story)
		})
	}
}

// Under wrong rules, the search finds a thief who goes on.
func TestWrongRulesMissTheft(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model Model
	}{
		{"no late-use bound", lateUse(24 * time.Hour)},
		{"a fork does not revoke", where(session.OutcomeFork, writesNothing)},
		{"a reuse does not revoke", where(session.OutcomeReuse, writesNothing)},
		{"profile fixed", asBuilt(auth.Fixed)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			thief := Thief{Model: tt.model, Interval: 300 * time.Second, Grid: 30 * time.Second}
			s := thief.Search(2 * Thief{Model: asBuilt(auth.Balanced), Interval: thief.Interval}.Bound())
			if s.Noticed {
				t.Errorf("every thief is out after %s:\n%s", s.Longest, s.Story)
			}
			t.Logf("%d states\n%s", s.States, s.Story)
		})
	}
}

// The strict profile notices a thief at the victim's next refresh.
func TestStrictNoticesAtOnce(t *testing.T) {
	thief := Thief{Model: asBuilt(auth.Strict), Interval: 300 * time.Second, Grid: 15 * time.Second}
	if s := thief.Search(thief.Interval); !s.Noticed {
		t.Errorf("a thief goes on beyond %s:\n%s", thief.Interval, s.Story)
	}
}

// Rules.SessionsNotBefore at the login of the session leaves the search as it is. A second later,
// the first refresh of every holder is refused, and no theft is left to notice.
func TestSessionsNotBefore(t *testing.T) {
	for _, p := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
		rules := session.DefaultRules()
		rules.SessionsNotBefore = login.Add(time.Second)
		ended := Of(rules, p)
		found := honest(ended).Search(2)
		if found.Story == nil || found.Steps != 2 {
			t.Fatalf("%s: a session of before goes on", p)
		}
		if end := found.Story[len(found.Story)-1]; end.Outcome != session.OutcomeNotBefore || end.item.revoked {
			t.Errorf("%s: the session of before ends by %s", p, end.Outcome)
		}
	}
	coarse := func(m Model) Finding { return Honest{Model: m, Grid: 45 * time.Second, AtOnce: 3}.Search(*steps) }
	rules := session.DefaultRules()
	rules.SessionsNotBefore = login
	with, without := coarse(Of(rules, auth.Balanced)), coarse(asBuilt(auth.Balanced))
	if with.Story != nil || !with.Complete || with.States != without.States {
		t.Errorf("complete %t with %d states, without the instant %d:\n%s", with.Complete, with.States, without.States, with.Story)
	}
}
