package modelcheck

import (
	"cmp"
	"slices"
)

// stateKey is a state without the differences that change nothing that can follow: two states with
// equal keys have equal futures. Times are ages, and an age is cut where nothing changes any more.
// Generations count back from the item's. Branches are told apart only if a rule tells them apart.
type stateKey struct {
	stamp    int16
	held     tokenKey
	messages [underWay]messageKey
}

type messageKey struct {
	leg, age uint8
	token    tokenKey
}

func (h Honest) key(s state) stateKey {
	k := stateKey{stamp: h.stampAge(s.now, s.item), held: h.tokenKey(s.now, s.item, s.held)}
	for i, m := range s.messages {
		// A message that is too old to arrive is left out.
		if leg := m.legAt(s.now); leg != nothing {
			k.messages[i] = messageKey{uint8(leg), uint8(s.now - m.sent), h.tokenKey(s.now, s.item, m.token)}
		}
	}
	k.order()
	k.rename()
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
		cmp.Compare(m.leg, o.leg), cmp.Compare(m.age, o.age),
		cmp.Compare(m.token.behind, o.token.behind), cmp.Compare(m.token.age, o.token.age),
	); c != 0 || m.token.behind == 0 {
		return c
	}
	return cmp.Compare(m.token.branch, o.token.branch)
}

// tokenKey is the part of a token that can still affect a rule.
type tokenKey struct {
	behind uint8
	branch uint8
	age    int16
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
		return tokenKey{0, uint8(t.branch), int16(age)}
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
