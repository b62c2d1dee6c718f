package modelcheck

import (
	"iter"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Honest searches for a wrong logout: one client, one token store, and a network that delays, reorders and loses.
//
// The client sends a refresh whenever it likes, with the token that it holds then, and has up to three under way.
// Whichever answer arrives overwrites its store: it does not know which is newest. A request and an answer each take
// up to 45 s or are lost. Each request is taken by an instance whose clock is right or 5 s off.
//
// A step is a wait and then one event: a request is sent, a request arrives (and is answered), an answer arrives. What
// is lost takes no step: it stays under way until it is too old.
type Honest struct {
	Model
	// Grid is the finest difference between two events. 15 s divides the 45 s and the default constants, so that a
	// message can be as late as it may be and a wait can meet each constant exactly; the clocks then put stamps and
	// comparisons 5 s to either side. It finds what is wrong with a minimum interval of 125 s, and so does a grid
	// of 5 s, with ten times as many states.
	Grid time.Duration
	// AtOnce is how many refreshes the client has under way, at most three. One is a client that waits for its
	// answer, or until none can come, before it tries again.
	AtOnce int
	// Repeats is an answer that hands out the token presented once more where the refresh changed nothing
	// (session.Same). It must not: late, it would put back a token into the store that another has replaced, and two
	// branches of one generation could take turns there for longer than any minimum interval. An answer without a
	// refresh token leaves the store alone (RFC 6749, section 6).
	Repeats bool
}

const (
	underWay   = 3           // refreshes of the client at once
	longestLeg = instant(45) // of a request or of an answer
	clockError = instant(5)  // of an instance, either way
)

// Finding is what a search came to.
type Finding struct {
	// Story is the shortest way to a refusal; nil where there is none.
	Story Story
	// Steps is how deep the search went, States how many states it told apart.
	Steps, States int
	// Complete says that no further step leads to a new state: what was found holds for any number of them.
	Complete bool
}

// Search looks at everything that can happen within so many steps, shortest stories first, and ends before them where
// there is nothing new to see. Every refusal is wrong: the client is honest, nothing fails, and neither end of the
// session is near.
func (h Honest) Search(steps int) Finding {
	type state struct {
		world
		at int32 // in ways
	}
	var (
		begin = world{item: firstItem, held: firstToken, branches: firstToken.branch}
		seen  = map[worldKey]struct{}{h.key(begin): {}}
		ways  = []way{{from: -1}}
		layer = []state{{begin, 0}}
	)
	for step := 1; step <= steps; step++ {
		if len(layer) == 0 {
			return Finding{Steps: step - 1, States: len(seen), Complete: true}
		}
		var next []state
		for _, s := range layer {
			for m := range h.moves(s.world) {
				// A story ends with an arrival, so the last step needs no other.
				if step == steps && m.event != arrival {
					continue
				}
				w, outcome := h.after(s.world, m)
				if m.event == arrival && !outcome.Grants() {
					return Finding{Story: h.tell(begin, append(trace(ways, s.at), m)), Steps: step, States: len(seen)}
				}
				k := h.key(w)
				if _, known := seen[k]; known || step == steps {
					continue
				}
				seen[k] = struct{}{}
				next = append(next, state{w, int32(len(ways))})
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

// world is one state of the search.
type world struct {
	now      instant
	item     item
	held     token // by the client
	messages [underWay]message
	branches branchID // given out so far
	requests uint8    // sent so far
}

// message is one leg of a refresh under way.
type message struct {
	token  token
	sent   instant
	leg    leg
	number uint8 // of the refresh, for the story
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
}

type event uint8

const (
	sending event = iota
	arrival
	delivery
)

// moves yields every step that can be taken. No wait is longer than the one after which nothing changes by waiting.
func (h Honest) moves(w world) iter.Seq[move] {
	return func(yield func(move) bool) {
		longest := max(h.oldestStamp(), h.oldestToken()) + clockError
		for wait := instant(0); wait <= longest; wait += seconds(h.Grid) {
			sent := false // into which of several free places makes no difference
			for i, msg := range w.messages[:h.AtOnce] {
				at := move{wait: wait, index: uint8(i)}
				switch msg.legAt(w.now + wait) {
				case nothing:
					if !sent && !yield(at) {
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

// legAt returns what the message is at an instant: nothing, once it is too old to arrive.
func (m message) legAt(now instant) leg {
	if now-m.sent > longestLeg {
		return nothing
	}
	return m.leg
}

// after returns the world after a step and, of an arrival, what the refresh was.
func (h Honest) after(w world, m move) (world, session.Outcome) {
	w.now += m.wait
	for i, msg := range w.messages {
		if msg.legAt(w.now) == nothing {
			w.messages[i] = message{}
		}
	}
	msg := &w.messages[m.index]
	switch m.event {
	case sending:
		w.requests++
		*msg = message{w.held, w.now, request, w.requests}
	case arrival:
		fresh := w.branches + 1
		outcome, next, item := h.present(msg.token, w.item, w.now+instant(m.clock), fresh)
		if next.branch == fresh {
			w.branches = fresh
		}
		w.item = item
		if outcome == session.Same && !h.Repeats {
			*msg = message{} // whenever it arrives, it changes nothing here
			return w, outcome
		}
		msg.token, msg.sent, msg.leg = next, w.now, answer
		return w, outcome
	case delivery:
		w.held = msg.token
		*msg = message{}
	}
	return w, ""
}
