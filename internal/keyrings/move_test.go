package keyrings_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// story drives one ring and its clock through deployments.
type story struct {
	t    *testing.T
	now  time.Time
	ring keyrings.Ring
}

// step is one deployment: the time before it, its request, and the expected result.
type step struct {
	after   time.Duration
	version uint16
	// drop is "all", "still all" or a list of versions, separated by commas. "?" is an unknown key.
	drop  string
	right uint16 // if refused, the version in the refusal; noRight for no version
	until time.Duration
	why   string // if refused, a part of the reason
	// keys are the versions after a permitted move. Versions with another's key are in brackets.
	keys string
}

func (s *story) move(p step) (keyrings.Ring, error) {
	m := keyrings.Move{Version: p.version, Algorithm: token.EdDSA}
	switch p.drop {
	case "":
	case "all", "still all":
		m.Drop.All, m.Drop.Still = true, p.drop == "still all"
	default:
		for _, v := range strings.Split(p.drop, ",") {
			kid := "unheard-of"
			if v != "?" {
				var version uint16
				if _, err := fmt.Sscan(v, &version); err != nil {
					s.t.Fatal(err)
				}
				kid = s.ring.Keys[version].Signing.ID()
			}
			m.Drop.IDs = append(m.Drop.IDs, kid)
		}
	}
	return s.ring.Move(m, s.now, rand.Reader)
}

// keys lists the versions. Versions that hold the key of another version are in brackets.
func keys(r keyrings.Ring) string {
	var words []string
	for _, v := range r.Versions() {
		word := fmt.Sprint(v)
		for _, other := range r.Versions() {
			if other > v && r.Kind == keyrings.SigningRing && r.Keys[other].Signing.ID() == r.Keys[v].Signing.ID() {
				word = "(" + word + ")"
			}
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func (s *story) tell(steps []step) {
	s.t.Helper()
	for i, p := range steps {
		s.now = s.now.Add(p.after)
		name := fmt.Sprintf("step %d, to %d", i+1, p.version)
		before := s.ring
		next, err := s.move(p)
		var refusal *keyrings.Refusal
		if p.why != "" {
			if !errors.As(err, &refusal) || !errors.Is(err, keyrings.ErrRefused) {
				s.t.Fatalf("%s: %v, and it should be refused", name, err)
			}
			if refusal.Right != p.right || !strings.Contains(err.Error(), p.why) {
				s.t.Errorf("%s: %v; it should name %d", name, err, p.right)
			}
			var until time.Duration
			if !refusal.Until.IsZero() {
				until = refusal.Until.Sub(s.now.Truncate(time.Second))
			}
			if until != p.until {
				s.t.Errorf("%s: it may be asked again in %v, want %v", name, until, p.until)
			}
			continue
		}
		if err != nil {
			s.t.Fatalf("%s: %v", name, err)
		}
		s.ring = next
		if next.Current() != p.version || keys(next) != p.keys {
			s.t.Errorf("%s: version %d signs of %s, want %s", name, next.Current(), keys(next), p.keys)
		}
		if next.Serial != before.Serial && next.Serial != before.Serial+1 {
			s.t.Errorf("%s: serial %d follows %d", name, next.Serial, before.Serial)
		}
		again, err := s.move(step{version: p.version, drop: strings.TrimPrefix(p.drop, "still ")})
		if p.drop == "" && (err != nil || again.Serial != next.Serial) {
			s.t.Errorf("%s: its repetition makes serial %d of %d, %v", name, again.Serial, next.Serial, err)
		}
		kept, err := keyrings.Parse(next.Kind, auth.NewSecret(text(s.t, next)))
		if err != nil || text(s.t, kept) != text(s.t, next) {
			s.t.Errorf("%s: the text of the ring is read as another, %v", name, err)
		}
	}
}

const (
	wait = 3 * time.Hour
	year = 365 * 24 * time.Hour
)

func TestMoveOfASigningRing(t *testing.T) {
	tokens := time.Hour + 30*time.Second
	for name, steps := range map[string][]step{
		"the first key signs at once": {{version: 1, keys: "1 2"}},
		"a first key at another version": {
			{version: 5, keys: "5 6"}, {after: wait, version: 6, keys: "5 6 7"}, {version: 5, keys: "5 6 7"},
		},
		"rotation": {
			{version: 1, keys: "1 2"},
			{after: wait - time.Second, version: 2, why: "is published since", right: 1, until: time.Second},
			{after: time.Second, version: 2, keys: "1 2 3"},
			{after: wait, version: 3, keys: "1 2 3 4"},
		},
		"two rotations ten minutes apart": {
			{version: 1, keys: "1 2"}, {after: year, version: 2, keys: "1 2 3"},
			{after: 10 * time.Minute, version: 3, why: "is published since", right: 2, until: wait - 10*time.Minute},
		},
		"a jump": {
			{version: 1, keys: "1 2"}, {after: year, version: 3, why: "a rotation moves by one version", right: 2},
			{version: 2, keys: "1 2 3"}, {after: year, version: 3, keys: "1 2 3 4"},
			{after: year, version: 1, why: "a rotation moves by one version", right: 2},
		},
		"rollback at once, and forth again": {
			{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"},
			{version: 1, keys: "1 2 3"}, {version: 2, keys: "1 2 3"}, {after: time.Second, version: 1, keys: "1 2 3"},
			{after: time.Minute, version: 2, keys: "1 2 3"},
		},
		"a key that a rollback withdrew is published anew": {
			{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"},
			{after: wait - time.Minute, version: 1, keys: "1 2 3"}, {after: time.Minute, version: 2, keys: "1 2 3"},
			{after: time.Minute, version: 3, why: "is published since", right: 2, until: wait - time.Minute},
			{after: wait - time.Minute, version: 3, keys: "1 2 3 4"},
		},
		"two steps back": {
			{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"}, {after: wait, version: 3, keys: "1 2 3 4"},
			{after: wait, version: 2, keys: "1 2 3 4"},
			{after: time.Minute, version: 1, why: "is published since", right: 2, until: wait - time.Minute},
			{after: wait, version: 1, keys: "1 2 3 4"},
		},
		"no version": {
			{version: 0, why: "a number from 1 to 65534"}, {version: 65535, why: "a number from 1 to 65534"},
			{version: 65534, keys: "65534 65535"},
		},
		"keys of long ago go": {
			{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"}, {after: wait, version: 3, keys: "1 2 3 4"},
			{after: wait, version: 4, keys: "1 2 3 4 5"}, {after: wait, version: 5, keys: "1 2 3 4 5 6"},
			{after: wait, version: 6, keys: "1 2 3 4 5 6 7"}, {after: wait, version: 7, keys: "1 2 3 4 5 6 7 8"},
			{after: wait, version: 8, keys: "1 2 3 4 5 6 7 8 9"}, {after: wait, version: 9, keys: "1 2 3 4 5 6 7 8 9 10"},
			{after: wait, version: 10, keys: "2 3 4 5 6 7 8 9 10 11"},
		},

		"the key that signs is dropped": {
			{version: 1, keys: "1 2"}, {after: year, version: 2, keys: "1 2 3"},
			{after: year, version: 2, drop: "2", why: "needs the next version", right: 3},
			{version: 3, drop: "2", keys: "1 (2) 3 4"},
			// A rollback: the dropped key stays away.
			{after: time.Minute, version: 2, keys: "1 (2) 3 4"},
			{version: 3, keys: "1 (2) 3 4"},
			{after: wait - time.Minute, version: 4, why: "is published since", right: 3, until: time.Minute},
			{after: time.Minute, version: 4, keys: "1 (2) 3 4 5"},
		},
		"it is dropped before the next one is known": {
			{version: 1, keys: "1 2"}, {after: time.Minute, version: 2, drop: "1", keys: "(1) 2 3"},
			{version: 1, keys: "(1) 2 3"},
		},
		"it is dropped, back to the one before": {
			{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"},
			{after: time.Minute, version: 1, drop: "2", keys: "(1) 2 3"}, // 2 holds the key of 1
			{version: 2, keys: "(1) 2 3"},
		},
		"it and the next one are dropped": {
			{version: 1, keys: "1 2"}, {after: year, version: 1, drop: "1,2", why: "needs the next version", right: 2},
			{version: 2, drop: "1,2", keys: "(1) 2 3"}, {after: time.Minute, version: 1, keys: "(1) 2 3"},
		},
		"the next key is dropped": {
			{version: 1, keys: "1 2"}, {after: year, version: 2, drop: "2", why: "names its key", right: 1},
			{version: 1, drop: "2", keys: "1 2"},
			{after: time.Minute, version: 2, why: "is published since", right: 1, until: wait - time.Minute},
		},
		"the key before is dropped": {
			{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"}, {version: 2, drop: "1", keys: "(1) 2 3"},
		},
		"nothing is dropped by a wrong kid": {{version: 1, keys: "1 2"}, {version: 1, drop: "?", why: `the id "unheard-of"`}},

		"all are dropped": {
			{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"},
			{after: time.Minute, version: 2, drop: "all", keys: "1 2 3"},
			{after: year, version: 2, drop: "still all", keys: "1 2 3"},
			{version: 3, drop: "still all", why: "clear it first", right: 2},
			{version: 3, keys: "1 2 3 4"},
			{version: 2, drop: "all", keys: "1 2 3 4"}, // a rollback
		},
		"all are dropped, with the next version": {
			{version: 1, keys: "1 2"}, {after: time.Minute, version: 2, drop: "all", keys: "1 2 3"},
			{after: time.Minute, version: 1, keys: "1 2 3"}, {version: 2, keys: "1 2 3"},
			{version: 3, why: "is published since", right: 2, until: wait},
		},
		"all are dropped, but not on the way back": {
			{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"},
			{version: 1, drop: "all", why: "the version that signs or the next version", right: 2},
			{after: wait, version: 4, drop: "all", why: "a rotation moves by one version", right: 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t, now: instant, ring: keyrings.Ring{Kind: keyrings.SigningRing}}
			s.tell(steps)
		})
	}
	if keyrings.LastTokenEnds != tokens || keyrings.PublishedBeforeSigning != wait {
		t.Error("the stories are about other times")
	}
}

// TestMoveWithdrawsNoKeyInUse checks that a key stays while its tokens are valid, even if the times
// in the ring are wrong.
func TestMoveWithdrawsNoKeyInUse(t *testing.T) {
	s := &story{t: t, now: instant, ring: keyrings.Ring{Kind: keyrings.SigningRing}}
	s.tell([]step{{version: 1, keys: "1 2"}, {after: wait, version: 2, keys: "1 2 3"}})
	next := s.ring.Keys[3]
	next.Published = instant.Add(-year).UTC()
	s.ring.Keys[3] = next
	left := keyrings.LastTokenEnds - 30*time.Minute
	s.tell([]step{
		{after: 30 * time.Minute, version: 3, why: "withdraws the key of version 1", right: 2, until: left},
		{after: left - time.Second, version: 3, why: "withdraws the key of version 1", right: 2, until: time.Second},
		{after: time.Second, version: 3, keys: "1 2 3 4"},
	})
}

func TestMoveOfARefreshRing(t *testing.T) {
	for name, steps := range map[string][]step{
		"no time passes": {{version: 1, keys: "1 2"}, {version: 2, keys: "1 2 3"}, {version: 3, keys: "1 2 3 4"}, {version: 2, keys: "1 2 3 4"}},
		"a jump":         {{version: 1, keys: "1 2"}, {version: 3, why: "a rotation moves by one version", right: 2}},
		"sessions hold tokens of a later version": {
			{version: 1, keys: "1 2"}, {version: 2, keys: "1 2 3"}, {version: 3, keys: "1 2 3 4"},
			{after: time.Hour, version: 2, keys: "1 2 3 4"},
			{after: time.Hour, version: 1, why: "sessions hold tokens of version 3", right: 2, until: keyrings.RefreshKeyRetention - time.Hour},
		},
		"nothing is ever dropped": {
			{version: 1, keys: "1 2"}, {version: 1, drop: "all", keys: "1 2"}, {version: 2, drop: "?", keys: "1 2 3"},
		},
		"keys of long ago go": {
			{version: 1, keys: "1 2"}, {version: 2, keys: "1 2 3"},
			{after: keyrings.RefreshKeyRetention - time.Second, version: 3, keys: "1 2 3 4"},
			{after: time.Second, version: 4, keys: "2 3 4 5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t, now: instant, ring: keyrings.Ring{Kind: keyrings.RefreshRing}}
			s.tell(steps)
		})
	}
}

func TestMoveOfALoginRing(t *testing.T) {
	for name, steps := range map[string][]step{
		"a first ring at a later version": {{version: 3, keys: "3 4"}, {version: 4, keys: "3 4 5"}, {version: 3, keys: "3 4 5"}},
		"back to before it":               {{version: 3, keys: "3 4"}, {version: 2, keys: "2 3 4"}},
		"known devices hold tokens of a later version": {
			{version: 1, keys: "1 2"}, {version: 2, keys: "1 2 3"}, {version: 3, keys: "1 2 3 4"},
			{after: time.Hour, version: 2, keys: "1 2 3 4"},
			{after: time.Hour, version: 1, why: "known devices hold tokens of version 3", right: 2, until: keyrings.LoginKeyRetention - time.Hour},
		},
		"nothing is ever dropped": {
			{version: 1, keys: "1 2"}, {version: 1, drop: "all", keys: "1 2"}, {version: 2, drop: "?", keys: "1 2 3"},
		},
		"keys of long ago go": {
			{version: 1, keys: "1 2"}, {version: 2, keys: "1 2 3"},
			{after: keyrings.LoginKeyRetention - time.Second, version: 3, keys: "1 2 3 4"},
			{after: time.Second, version: 4, keys: "2 3 4 5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{t: t, now: instant, ring: keyrings.Ring{Kind: keyrings.LoginRing}}
			s.tell(steps)
		})
	}
}

// TestRollbackAfterADrop checks that after a drop and a rollback the signing key is a key that
// other verifiers know, and that the dropped key is gone.
func TestRollbackAfterADrop(t *testing.T) {
	s := &story{t: t, now: instant, ring: keyrings.Ring{Kind: keyrings.SigningRing}}
	s.tell([]step{{version: 1, keys: "1 2"}, {after: year, version: 2, keys: "1 2 3"}, {after: year, version: 2, keys: "1 2 3"}})
	dropped, known := s.ring.Keys[2].Signing.ID(), s.ring.Keys[3].Signing.ID()
	s.tell([]step{{version: 3, drop: "2", keys: "1 (2) 3 4"}, {version: 2, keys: "1 (2) 3 4"}})
	if got := s.ring.Keys[2].Signing.ID(); got != known {
		t.Errorf("%s signs after the rollback, and verifiers know %s", got, known)
	}
	set, err := s.ring.PublicKeys(2)
	if err != nil || len(set.Keys()) != 2 {
		t.Errorf("%v, %v", set.Keys(), err)
	}
	if strings.Contains(text(t, s.ring), `"kid":"`+dropped) || !slices.Contains(s.ring.Dropped, dropped) {
		t.Error("the dropped key is not destroyed, or nobody remembers it")
	}
	again, err := s.ring.Move(keyrings.Move{Version: 2, Drop: keyrings.Drop{IDs: []string{dropped}}}, s.now, rand.Reader)
	if err != nil || again.Serial != s.ring.Serial {
		t.Errorf("dropped twice: %v", err)
	}
}

// A drop of all keys that was cleared for a day is a new request. Before that it is a rollback.
func TestDropAllAgain(t *testing.T) {
	s := &story{t: t, now: instant, ring: keyrings.Ring{Kind: keyrings.SigningRing}}
	move := func(after time.Duration, drop string, wantNew bool) {
		t.Helper()
		before := s.ring.Keys[1].Signing.ID()
		s.tell([]step{{after: after, version: 1, drop: drop, keys: "1 2"}})
		if isNew := s.ring.Keys[1].Signing.ID() != before; isNew != wantNew {
			t.Errorf("after %v, DropKeys=%s: a new key is %t", after, drop, isNew)
		}
	}
	s.tell([]step{{version: 1, keys: "1 2"}})
	move(time.Minute, "all", true)
	move(time.Minute, "all", false)
	move(year, "", false)
	move(time.Hour, "all", false) // rolled back
	move(year, "all", false)
	move(time.Minute, "", false)
	move(24*time.Hour, "all", true)
}

func TestAlgorithmIsForNewKeys(t *testing.T) {
	r := keyrings.Ring{Kind: keyrings.SigningRing}
	algorithms := func(alg token.Algorithm, v uint16, at time.Duration) (all []token.Algorithm) {
		t.Helper()
		var err error
		if r, err = r.Move(keyrings.Move{Version: v, Algorithm: alg}, instant.Add(at), rand.Reader); err != nil {
			t.Fatal(err)
		}
		for _, v := range r.Versions() {
			all = append(all, r.Keys[v].Signing.Algorithm())
		}
		return all
	}
	for v, row := range []struct {
		alg  token.Algorithm
		want []token.Algorithm
	}{
		{token.EdDSA, []token.Algorithm{token.EdDSA, token.EdDSA}},
		{token.ES256, []token.Algorithm{token.EdDSA, token.EdDSA, token.ES256}},
		{token.ES256, []token.Algorithm{token.EdDSA, token.EdDSA, token.ES256, token.ES256}},
	} {
		if got := algorithms(row.alg, uint16(v+1), time.Duration(v)*wait); !slices.Equal(got, row.want) {
			t.Errorf("version %d: %v, want %v", v+1, got, row.want)
		}
	}
	if _, err := r.Move(keyrings.Move{Version: 4, Algorithm: "HS256"}, instant.Add(year), rand.Reader); err == nil {
		t.Error("a ring has a key of another algorithm")
	}
}

func TestRequestIsCarriedOutOnce(t *testing.T) {
	r := keyrings.Ring{Kind: keyrings.SigningRing}
	for i, row := range []struct {
		request string
		version uint16
		ok      bool
	}{
		{"a", 1, true},
		{"b", 2, true},
		{"b", 2, true},
		{"c", 1, true},  // a rollback
		{"b", 2, false}, // late
		{"c", 1, true},
		{"d", 2, true},
		{"c", 1, false},
		{"a", 1, false},
	} {
		next, err := r.Move(keyrings.Move{Version: row.version, Algorithm: token.EdDSA, Request: row.request},
			instant.Add(wait), rand.Reader)
		if i == 0 {
			next, err = r.Move(keyrings.Move{Version: 1, Algorithm: token.EdDSA, Request: "a"}, instant, rand.Reader)
		}
		if (err == nil) != row.ok {
			t.Errorf("request %s for %d: %v", row.request, row.version, err)
		}
		if err == nil {
			r = next
		}
	}
	if r.Current() != 2 {
		t.Errorf("version %d signs", r.Current())
	}
}

func TestAdopt(t *testing.T) {
	used := func(kind keyrings.Kind, versions ...uint16) keyrings.Ring {
		r := keyrings.Ring{Kind: kind}
		for i, v := range versions {
			var err error
			if r, err = r.Move(keyrings.Move{Version: v, Algorithm: token.EdDSA}, instant.Add(time.Duration(i)*wait), rand.Reader); err != nil {
				t.Fatal(err)
			}
		}
		return r
	}
	signing, refresh, logins := keyrings.SigningRing, keyrings.RefreshRing, keyrings.LoginRing
	for _, row := range []struct {
		name  string
		rings []keyrings.Ring
		right uint16
	}{
		{"none", []keyrings.Ring{used(signing), used(refresh)}, 1},
		{"fresh", []keyrings.Ring{used(signing, 1), used(refresh, 1)}, 1},
		{"used", []keyrings.Ring{used(signing, 1, 2, 3), used(refresh, 1, 2, 3)}, 3},
		{"rolled back", []keyrings.Ring{used(signing, 1, 2, 3, 2), used(refresh, 1, 2, 3, 2)}, 3},
		{"one behind", []keyrings.Ring{used(signing, 1), used(refresh, 1, 2)}, 2},
		{"one lost", []keyrings.Ring{used(signing), used(refresh, 1, 2)}, 2},
		{"from before the login ring", []keyrings.Ring{used(signing, 1, 2, 3), used(refresh, 1, 2, 3), used(logins)}, 3},
		{"with a login ring that is younger", []keyrings.Ring{used(signing, 1, 2, 3), used(refresh, 1, 2, 3), used(logins, 3)}, 3},
		{"the other lost", []keyrings.Ring{used(signing, 1, 2), used(refresh)}, 2},
	} {
		for v := uint16(1); v <= 4; v++ {
			err := keyrings.Adopt(v, row.rings...)
			if v == row.right && err == nil {
				continue
			}
			var refusal *keyrings.Refusal
			if v == row.right || !errors.As(err, &refusal) || refusal.Right != row.right {
				t.Errorf("%s at %d: %v, want %d", row.name, v, err, row.right)
			}
		}
	}
}
