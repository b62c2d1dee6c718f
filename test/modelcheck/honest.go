package modelcheck

import (
	"iter"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Honest searches for a false logout of one client with one token store, on a network that delays,
// reorders and loses messages.
//
// The client sends a refresh at any time, with the token that it holds then, and has up to three
// refreshes in transit. Each answer overwrites its store, because the client does not know which
// answer is newest. A request and an answer each take up to 45 s or are lost. The clock of the
// instance that takes a request is right or 5 s off.
//
// A step is a wait and then one event: the client sends a request, a request arrives and is
// answered, or an answer arrives. A loss takes no step: the message stays in transit until it is
// too old.
type Honest struct {
	Model
	// Grid is the least time between two events. 15 s divides the 45 s and the default constants,
	// so that a message can have the greatest delay and a wait can meet each constant exactly. The
	// clock errors move stamps and comparisons by 5 s to either side. This grid finds the defect of
	// a minimum interval of 125 s. A grid of 5 s finds it too, with ten times as many states.
	Grid time.Duration
	// AtOnce is the number of refreshes that the client has in transit, at most three. With one,
	// the client waits for the answer, or until no answer can arrive, before it tries again.
	AtOnce int
	// StepUp lets the client step up once: it proves its user's identity again and gets a second
	// session, which replaces the first. The client keeps refreshing in the meantime.
	StepUp bool
	// Repeats makes the answer to a refresh that changed nothing (session.OutcomeSame) repeat the
	// presented token. The product must not do this: a late answer would put a replaced token back
	// into the store, and two branches of one generation could alternate there for longer than any
	// minimum interval. An answer without a refresh token leaves the store alone (RFC 6749, section
	// 6).
	Repeats bool
}

const (
	underWay   = 3          // refreshes of the client at once
	clockError = instant(5) // of an instance, either way
)

// longestLeg is the longest time in transit of a request or of an answer.
var longestLeg = seconds(session.DefaultRules().StoreWithin)

// Finding is the result of [Honest.Search].
type Finding struct {
	// Story is the shortest way to a refusal, or nil if the search found no refusal.
	Story Story
	// Steps is the depth of the search, States the number of distinct states.
	Steps, States int
	// Complete says that no further step leads to a new state. The result then holds for any number
	// of steps.
	Complete bool
}

// Search tries everything that can happen within the given number of steps, shortest stories first.
// It ends earlier if there are no new states. Every refusal is a defect: the client is honest,
// nothing fails, and neither end of the session is near.
func (h Honest) Search(steps int) Finding {
	type found struct {
		state
		at int32 // index in ways
	}
	var (
		begin = h.begin()
		seen  = map[stateKey]struct{}{h.key(begin): {}}
		ways  = []way{{from: -1}}
		layer = []found{{begin, 0}}
	)
	for step := 1; step <= steps; step++ {
		if len(layer) == 0 {
			return Finding{Steps: step - 1, States: len(seen), Complete: true}
		}
		var next []found
		for _, s := range layer {
			for m := range h.moves(s.state) {
				// A story ends with an arrival, so the last step tries no other event.
				if step == steps && m.event != arrival {
					continue
				}
				to, outcome := h.after(s.state, m)
				if m.event == arrival && !granted(outcome) {
					return Finding{Story: h.tell(begin, append(trace(ways, s.at), m)), Steps: step, States: len(seen)}
				}
				k := h.key(to)
				if _, known := seen[k]; known || step == steps {
					continue
				}
				seen[k] = struct{}{}
				next = append(next, found{to, int32(len(ways))})
				ways = append(ways, way{s.at, m})
			}
		}
		layer = next
	}
	return Finding{Steps: steps, States: len(seen)}
}

// way is how a state was first reached.
type way struct {
	from int32
	by   move
}

// trace returns the moves that lead to ways[at].
func trace(ways []way, at int32) []move {
	if ways[at].from < 0 {
		return nil
	}
	return append(trace(ways, ways[at].from), ways[at].by)
}

// state is one node of the search.
type state struct {
	now      instant
	items    [2]item // the session of the login and the one of the step-up
	held     token   // the client's token
	messages [underWay]message
	branches branchID // given out so far
	requests uint8    // sent so far
	mayStep  bool     // the client has not yet asked for the step-up
}

func (h Honest) begin() state {
	return state{items: [2]item{firstItem, firstItem}, held: firstToken, branches: firstToken.branch, mayStep: h.StepUp}
}

// item returns the session of a token.
func (s *state) item(t token) *item {
	if t.second {
		return &s.items[1]
	}
	return &s.items[0]
}

// message is a request or an answer of a refresh in transit.
type message struct {
	token  token
	sent   instant
	leg    leg
	number uint8 // of the refresh, for the story
	stepUp bool  // the request is a step-up, not a refresh
}

type leg uint8

const (
	nothing leg = iota
	request
	answer
)

// move is one step.
type move struct {
	wait  instant
	event event
	index uint8 // in messages
	clock int8  // the error of the instance that takes a request
	// stepUp sends a step-up instead of a refresh.
	stepUp bool
}

type event uint8

const (
	sending event = iota
	arrival
	delivery
)

// moves yields every possible step. A wait beyond the longest one changes nothing more.
func (h Honest) moves(s state) iter.Seq[move] {
	return func(yield func(move) bool) {
		longest := max(h.oldestStamp(), h.oldestToken(), seconds(h.Rules.Handover)) + clockError
		for wait := instant(0); wait <= longest; wait += seconds(h.Grid) {
			sent := false // free slots are interchangeable, so one is enough
			for i, msg := range s.messages[:h.AtOnce] {
				at := move{wait: wait, index: uint8(i)}
				switch msg.legAt(s.now + wait) {
				case nothing:
					if !sent && !yield(at) {
						return
					}
					if at.stepUp = s.mayStep && !s.held.second; !sent && at.stepUp && !yield(at) {
						return
					}
					sent = true
				case request:
					at.event = arrival
					for _, clock := range []instant{0, -clockError, clockError} {
						at.clock = int8(clock)
						if !yield(at) {
							return
						}
					}
				case answer:
					at.event = delivery
					if !yield(at) {
						return
					}
				}
			}
		}
	}
}

// legAt returns the message's leg at now, or nothing if it is too old to arrive.
func (m message) legAt(now instant) leg {
	if now-m.sent > longestLeg {
		return nothing
	}
	return m.leg
}

// after returns the state after a step. If the step is an arrival, it also returns the outcome of
// the refresh.
func (h Honest) after(s state, m move) (state, session.Outcome) {
	s.now += m.wait
	for i, msg := range s.messages {
		if msg.legAt(s.now) == nothing {
			s.messages[i] = message{}
		}
	}
	msg := &s.messages[m.index]
	switch m.event {
	case sending:
		s.requests++
		*msg = message{s.held, s.now, request, s.requests, m.stepUp}
		s.mayStep = s.mayStep && !m.stepUp
	case arrival:
		return h.arrive(s, m)
	case delivery:
		s.held = msg.token
		*msg = message{}
	}
	return s, ""
}

// arrive returns the state after a request has arrived, and its outcome.
func (h Honest) arrive(s state, m move) (state, session.Outcome) {
	msg, at, fresh := &s.messages[m.index], s.now+instant(m.clock), s.branches+1
	var p presented
	if msg.stepUp {
		old, opened, first, done := h.stepUp(s.items[0], at, fresh)
		if !done {
			return s, session.OutcomeRevoked
		}
		s.items, p = [2]item{old, opened}, presented{outcome: steppedUp, next: first}
	} else {
		p = h.refresh(msg.token, *s.item(msg.token), at, fresh)
		*s.item(msg.token) = p.item
		s.items[0].revoked = s.items[0].revoked || p.ends
	}
	if p.next.branch == fresh {
		s.branches = fresh
	}
	if p.outcome == session.OutcomeSame && !h.Repeats {
		*msg = message{} // the answer changes nothing at the client
		return s, p.outcome
	}
	*msg = message{token: p.next, sent: s.now, leg: answer, number: msg.number}
	return s, p.outcome
}

// steppedUp is the outcome of a step-up that opened a session. A refresh never has this outcome.
const steppedUp session.Outcome = "stepped up"

// granted reports whether the request of the client succeeded.
func granted(o session.Outcome) bool { return o.Grants() || o == steppedUp }
