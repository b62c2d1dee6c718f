package modelcheck

import (
	"cmp"
	"slices"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// stateKey is a state without the differences that have no effect on later steps: two states with
// equal keys have equal futures. Times are ages, and an age is capped at the value from which it
// has no further effect. Generations count back from the item's. Branches are told apart only if a
// rule tells them apart.
type stateKey struct {
	stamps             [2]int16
	both               bool  // both sessions are in use
	left               int16 // of the handover
	mayStep, steppedUp bool
	held               tokenKey
	messages           [underWay]messageKey
}

type messageKey struct {
	leg, age uint8
	stepUp   bool
	token    tokenKey
}

func (h Honest) key(s state) stateKey {
	k := stateKey{both: h.bothInUse(s), mayStep: s.mayStep, steppedUp: s.items[1].created != never}
	if k.both {
		k.left = int16(max(s.handoverEnd(h.Rules)-s.now, -clockError-1))
	}
	k.held = h.tokenKeyIn(s, s.held, k.both)
	k.stamps[position(s.held)] = h.stampAge(s.now, *s.item(s.held))
	for i, m := range s.messages {
		// A message that is too old to arrive is left out.
		leg := m.legAt(s.now)
		if leg == nothing {
			continue
		}
		k.messages[i] = messageKey{leg: uint8(leg), age: uint8(s.now - m.sent), stepUp: m.stepUp}
		if !m.stepUp { // a step-up names its session, and no token
			k.messages[i].token = h.tokenKeyIn(s, m.token, k.both)
		}
		k.stamps[position(m.token)] = h.stampAge(s.now, *s.item(m.token))
	}
	k.order()
	k.rename()
	return k
}

// position returns the index of the token's session.
func position(t token) int {
	if t.second {
		return 1
	}
	return 0
}

// bothInUse reports whether a step-up has opened the second session and the first one can still be
// used. Otherwise the two sessions cannot affect each other any more.
func (h Honest) bothInUse(s state) bool {
	if s.items[1].created == never || s.items[0].revoked {
		return false
	}
	first := !s.held.second
	for _, m := range s.messages {
		first = first || m.legAt(s.now) != nothing && !m.token.second
	}
	return first
}

// handoverEnd returns the time from which the second session replaces the first.
func (s state) handoverEnd(r session.Rules) instant { return s.items[1].created + seconds(r.Handover) }

// tokenKeyIn returns the key of a token. If both sessions are in use, it matters whether the token
// was issued after the handover.
func (h Honest) tokenKeyIn(s state, t token, both bool) tokenKey {
	k := h.tokenKey(s.now, *s.item(t), t)
	k.second, k.late = t.second, both && t.second && t.issued > s.handoverEnd(h.Rules)
	return k
}

// order sorts the messages independently of their slots and of the numbers of branches. Messages
// that differ only in their branches are sorted by the other positions of these branches; branches
// in equal positions are interchangeable.
func (k *stateKey) order() {
	slices.SortFunc(k.messages[:], messageKey.compare)
	var places [1 << 8]uint8 // by branch: two bits count its messages of a rank, one is the store
	if k.held.behind == 0 {
		places[k.held.branch] = 1 << (2 * underWay)
	}
	rank := 0
	for i, m := range k.messages {
		if i > 0 && m.compare(k.messages[i-1]) != 0 {
			rank = i
		}
		if m.token.behind == 0 {
			places[m.token.branch] += 1 << (2 * rank)
		}
	}
	slices.SortFunc(k.messages[:], func(m, o messageKey) int {
		return cmp.Or(m.compare(o), cmp.Compare(places[m.token.branch], places[o.token.branch]))
	})
}

// rename numbers the branches of the item's generation in the order of their position in the key.
func (k *stateKey) rename() {
	var names [1 << 8]uint8
	last := uint8(0)
	name := func(t *tokenKey) {
		// A message that is left out has branch 0.
		if t.behind != 0 || t.branch == 0 {
			return
		}
		if names[t.branch] == 0 {
			last++
			names[t.branch] = last
		}
		t.branch = names[t.branch]
	}
	name(&k.held)
	for i := range k.messages {
		name(&k.messages[i].token)
	}
}

// compare ignores the number of a branch of the item's generation, which is arbitrary.
func (m messageKey) compare(o messageKey) int {
	if c := cmp.Or(
		cmp.Compare(m.leg, o.leg), cmp.Compare(m.age, o.age), compare(m.stepUp, o.stepUp),
		compare(m.token.second, o.token.second), compare(m.token.late, o.token.late),
		cmp.Compare(m.token.behind, o.token.behind), cmp.Compare(m.token.age, o.token.age),
	); c != 0 || m.token.behind == 0 {
		return c
	}
	return cmp.Compare(m.token.branch, o.token.branch)
}

func compare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// tokenKey is the part of a token that can still affect a rule.
type tokenKey struct {
	behind       uint8
	branch       uint8
	age          int16
	second, late bool
}

func (m Model) tokenKey(now instant, it item, t token) tokenKey {
	switch it.generation - t.generation {
	case 0:
		// The issue time matters only in comparison with the item's stamps: its present stamp,
		// which may already be too late, and its next one.
		age := min(now-t.issued, m.oldestToken())
		if it.stamped != never && it.stamped-t.issued >= seconds(m.Rules.LateUse) {
			age = -1 << 15
		}
		return tokenKey{branch: uint8(t.branch), age: int16(age)}
	case 1:
		// A token of the previous generation is either the item's parent or proof of a copy, and
		// stays so.
		if t.branch == it.parent {
			return tokenKey{behind: 1, branch: 1}
		}
		return tokenKey{behind: 1}
	default:
		return tokenKey{behind: 2}
	}
}

func (m Model) stampAge(now instant, it item) int16 {
	return int16(min(now-it.stamped, m.oldestStamp()))
}

// oldestStamp is the age from which a stamp allows everything, even with the greatest error of the
// clock that reads it.
func (m Model) oldestStamp() instant {
	return seconds(max(m.Rules.MinimumInterval, m.Rules.GracePeriod)) + clockError
}

// oldestToken is the age of a token from which the item's next stamp is too late for it, even with
// the greatest error of the clock that writes the stamp.
func (m Model) oldestToken() instant { return seconds(m.Rules.LateUse) + clockError }
