package modelcheck

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// Thief searches for the longest time that a theft goes unnoticed. A victim refreshes at every
// interval. A thief, who copied the victim's store at some instant, presents any token that he ever
// held, at any time. Messages take no time, nothing is lost and all clocks agree: the bound is
// stated in the server's time.
type Thief struct {
	Model
	// Interval is the time between the victim's refreshes. Grid is the time between the instants at
	// which the thief can act; he can present any number of tokens at each. Grid must divide
	// Interval.
	Interval, Grid time.Duration

	// hoard makes the thief also keep tokens that another token makes redundant. A test shows that
	// these tokens do not help the thief.
	hoard bool
}

// Bound returns the time from the first use within which the thief must be out. The victim rotates
// within an interval. From then on the thief can stamp that generation anew for LateUse.
// MinimumInterval after his last stamp, the victim can rotate again or the copy is proven, which is
// seen within another interval. A victim that refreshes more often than MinimumInterval may have to
// wait for it before the first rotation, too.
func (t Thief) Bound() time.Duration {
	bound := 2*t.Interval + t.Rules.MinimumInterval + t.Rules.LateUse
	if t.Interval < t.Rules.MinimumInterval {
		bound += t.Rules.MinimumInterval
	}
	return bound
}

// Survival is the result of [Thief.Search].
type Survival struct {
	// Noticed says that every thief is out within the searched time: the session is revoked, or
	// all of his tokens are refused.
	Noticed bool
	// Longest is the time from the first use until the thief who lasts longest is out, or the
	// searched time. Story is that thief's.
	Longest time.Duration
	Story   Story
	// States is the number of states of the search.
	States int
}

// Search tries everything that a thief can do within the given time of his first use.
func (t Thief) Search(within time.Duration) Survival {
	var (
		path    paths
		longest instant
		last    int // of longest
		layer   = t.firstUses(&path)
	)
	for used := instant(0); len(layer) > 0; used += seconds(t.Grid) {
		if used > seconds(within) {
			return Survival{false, within, path.story(layer[0]), len(path)}
		}
		// All events at one instant lead to states of the same layer. Only waiting leaves the
		// layer.
		var next []int
		seen := map[string]bool{}
		for len(layer) > 0 {
			from := layer[0]
			layer = layer[1:]
			h := path[from].heist
			if !first(seen, t.key(h)) {
				continue
			}
			for _, s := range t.uses(h) {
				layer = append(layer, path.grow(from, s))
			}
			s := t.goOn(h)
			at := path.grow(from, s)
			switch {
			case s.over():
				if used > longest {
					longest, last = used, at
				}
			case s.deed == waits:
				next = append(next, at)
			default:
				layer = append(layer, at)
			}
		}
		layer = next
	}
	return Survival{true, time.Duration(longest) * time.Second, path.story(last), len(path)}
}

// firstUses returns every state right after a thief's first use. He copies the token at any instant
// and keeps it for as long as it works.
func (t Thief) firstUses(path *paths) []int {
	// In this time the victim rotates at least once. A copy no longer works after two rotations,
	// and the states after a few rotations are like those before.
	end := 5 * seconds(t.Interval+t.Rules.MinimumInterval)
	alone := heist{due: seconds(t.Interval), item: firstItem, victim: firstToken, branches: firstToken.branch}
	layer := []int{path.grow(-1, scene{heist: alone, deed: logsIn})}
	seen := map[string]bool{}
	var used []int
	for len(layer) > 0 {
		from := layer[0]
		layer = layer[1:]
		h := (*path)[from].heist
		if h.now > end || !first(seen, t.key(h)) {
			continue
		}
		if h.loot == nil {
			stolen := h
			stolen.loot = []token{h.victim}
			layer = append(layer, path.grow(from, scene{heist: stolen, deed: copies}))
		}
		for _, s := range t.uses(h) {
			used = append(used, path.grow(from, s))
		}
		if s := t.goOn(h); h.loot == nil || !s.over() {
			layer = append(layer, path.grow(from, s))
		}
	}
	return used
}

// heist is one state of the search.
type heist struct {
	now, due instant // due is the victim's next refresh; if due is now, it is still to come
	out      bool    // the victim was refused, and stopped
	item     item
	victim   token
	loot     []token // the thief's tokens that work; nil before the theft
	branches branchID
}

// over reports whether the thief can do nothing more.
func (h heist) over() bool { return h.item.revoked || len(h.loot) == 0 }

// scene is a state and the deed that led to it.
type scene struct {
	heist
	deed            deed
	presented, next token // of a refresh
	outcome         session.Outcome
}

type deed uint8

const (
	waits deed = iota
	logsIn
	copies
	refreshes // the victim
	uses      // the thief
)

// uses returns the scene that follows for each token that the thief can present.
func (t Thief) uses(h heist) []scene {
	var scenes []scene
	for _, presented := range h.loot {
		after := h
		outcome, next := t.take(&after, presented)
		after.loot = append(slices.Clone(h.loot), next)
		t.sift(&after)
		scenes = append(scenes, scene{after, uses, presented, next, outcome})
	}
	return scenes
}

// goOn returns the next scene if the thief does nothing more at this instant.
func (t Thief) goOn(h heist) scene {
	if h.out || h.now < h.due {
		h.now += seconds(t.Grid)
		return scene{heist: h, deed: waits}
	}
	presented := h.victim
	outcome, next := t.take(&h, presented)
	h.due += seconds(t.Interval)
	if h.out = !outcome.Grants(); !h.out {
		h.victim = next
	}
	t.sift(&h)
	return scene{h, refreshes, presented, next, outcome}
}

// take presents a token.
func (t Thief) take(h *heist, presented token) (session.Outcome, token) {
	fresh := h.branches + 1
	outcome, next, item := t.present(presented, h.item, h.now, fresh)
	if next.branch == fresh {
		h.branches = fresh
	}
	h.item = item
	return outcome, next
}

// sift drops the useless tokens from the loot. A token that would be refused now is useless, since
// no rule makes it good again. Of several branches of the thief's own in one generation, only the
// newest is useful: it works whenever an older one does, and for longer.
func (t Thief) sift(h *heist) {
	newestFirst := slices.SortedFunc(slices.Values(h.loot), func(x, y token) int {
		return cmp.Or(cmp.Compare(y.issued, x.issued), cmp.Compare(y.branch, x.branch))
	})
	var loot []token
	for _, l := range newestFirst {
		if outcome, _, _ := t.present(l, h.item, h.now, h.branches+1); !outcome.Grants() {
			continue
		}
		if !slices.ContainsFunc(loot, func(o token) bool { return t.serves(h, o, l) }) {
			loot = append(loot, l)
		}
	}
	h.loot = loot
}

// serves reports whether o, which was not issued before l, is as good to the thief as l.
func (t Thief) serves(h *heist, o, l token) bool {
	if t.hoard && o.issued != l.issued {
		return false
	}
	return o == l || o.generation == h.item.generation && l.generation == h.item.generation &&
		o.branch != h.victim.branch && l.branch != h.victim.branch
}

// key returns equal keys for states that differ only in the time of day and the numbers of
// branches.
func (t Thief) key(h heist) string {
	b := binary.AppendVarint(nil, int64(h.due-h.now))
	b = binary.AppendVarint(b, int64(t.stampAge(h.now, h.item)))
	tell := func(l token) {
		k := t.tokenKey(h.now, h.item, l)
		// Of a branch of the item's generation, it only matters whether it is the victim's.
		if k.behind == 0 {
			k.branch = 0
			if l.branch == h.victim.branch {
				k.branch = 1
			}
		}
		b = binary.AppendVarint(append(b, k.behind, k.branch), int64(k.age))
	}
	tell(h.victim)
	for _, l := range h.loot {
		tell(l)
	}
	if h.out {
		b = append(b, 1)
	}
	return string(b)
}

// first reports whether key is new, and records it.
func first(seen map[string]bool, key string) bool {
	if seen[key] {
		return false
	}
	seen[key] = true
	return true
}

// paths are scenes, each with the index of the scene before it.
type paths []struct {
	scene
	from int
}

func (p *paths) grow(from int, s scene) int {
	*p = append(*p, struct {
		scene
		from int
	}{s, from})
	return len(*p) - 1
}
