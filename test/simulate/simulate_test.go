package simulate

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

var (
	travellers = flag.Int("travellers", 60, "the number of people; a fifth as many thieves are played beside them")
	days       = flag.Int("days", 28, "for how long")
	seed       = flag.Uint64("seed", 1, "what decides everything that is made up")
)

// world is the manager of the sessions, with its clock.
type world struct {
	t   *testing.T
	now time.Time
	*session.Manager
	items map[session.Key]*session.Session
}

func newWorld(t *testing.T, reauthOn map[auth.Signal][]auth.ClientID) *world {
	w := &world{t: t, now: begin, items: map[session.Key]*session.Session{}}
	m, err := session.NewManager(session.Config{
		Store: memory{items: w.items}, Subjects: subjects{}, Keys: keys{}, Now: func() time.Time { return w.now }, ReauthOn: reauthOn,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	return w
}

func (w *world) login(id auth.SubjectID, v session.Visit) auth.Secret {
	w.t.Helper()
	g, err := w.Open(w.t.Context(), session.Opening{
		Subject: auth.Subject{ID: id}, AuthTime: w.now, Visit: v,
		Client: auth.Client{ID: "web", Profile: auth.Balanced, IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 365 * 24 * time.Hour},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return g.RefreshToken
}

// count has the results of the refreshes of one kind of people.
type count struct {
	people, refreshes int
	raised            map[auth.Signal]int // refreshes with the signal
	touched           map[auth.Signal]int // people who raised it
}

// live plays all days of a person. It returns the signals of each refresh.
func (w *world) live(p *person, id auth.SubjectID, c *count) {
	var token auth.Secret
	mine := map[auth.Signal]bool{}
	c.people++
	for d := range *days {
		p.day(d)
		for _, minute := range p.awake() {
			w.now = begin.AddDate(0, 0, d).Add(time.Duration(minute) * time.Minute)
			again := 1
			if p.rng.Float64() < reloads {
				again = 2
			}
			for range again {
				n := p.online(w.now.Weekday(), minute/60)
				if n == nil {
					break
				}
				if token.Reveal() == "" {
					token = w.login(id, p.visit(n))
					continue
				}
				g, err := w.Refresh(w.t.Context(), session.Request{RefreshToken: token, Visit: p.visit(n)})
				if err != nil {
					w.t.Fatalf("a %s is logged out at %v: %v", p.kind, w.now, err)
				}
				if g.RefreshToken.Reveal() != "" {
					token = g.RefreshToken
				}
				c.refreshes++
				for _, s := range g.Signals {
					c.raised[s]++
					mine[s] = true
				}
				w.now = w.now.Add(time.Duration(5+p.rng.IntN(50)) * time.Second)
			}
		}
	}
	for s := range mine {
		c.touched[s]++
	}
}

// thief is a kind of thief: where a copied token is used.
type thief struct {
	name string
	use  func(rng *rand.Rand, victim *person) session.Visit
}

// A thief who has the token often has the victim's user agent too, from the same machine.
var thieves = []thief{
	{"next door", func(rng *rand.Rand, victim *person) session.Visit { // the victim's own network and program
		return victim.visit(&victim.home)
	}},
	{"same town", func(rng *rand.Rand, victim *person) session.Visit {
		n := v4(rng, victim.town)
		return victim.visit(&n)
	}},
	{"abroad", func(rng *rand.Rand, victim *person) session.Visit {
		n := v4(rng, abroad(rng, victim.town))
		return victim.visit(&n)
	}},
	{"abroad, curl", func(rng *rand.Rand, victim *person) session.Visit {
		n := v6(rng, abroad(rng, victim.town))
		v := victim.visit(&n)
		v.UserAgent = "curl/8.10.1"
		return v
	}},
}

func abroad(rng *rand.Rand, home place) place {
	for {
		if p := towns[rng.IntN(len(towns))]; p.country != home.country {
			return p
		}
	}
}

// caught has the results for thieves of one kind.
type caught struct {
	thieves, refused int
	raised           map[auth.Signal]int // at the first use of the token
	ended            []time.Duration     // from the first use until the rules of rotation ended the session
}

// steal plays a victim for a week, and then a thief with a copy of the token beside the victim, until
// the session ends.
func (w *world) steal(p *person, id auth.SubjectID, how thief, c *caught) {
	c.thieves++
	w.now = begin.Add(8 * time.Hour)
	token := w.login(id, p.visit(&p.home))
	at := func(minutes int) { w.now = begin.Add(8*time.Hour + time.Duration(minutes)*time.Minute) }
	refresh := func(token *auth.Secret, v session.Visit) ([]auth.Signal, error) {
		g, err := w.Refresh(w.t.Context(), session.Request{RefreshToken: *token, Visit: v})
		if refusal, ok := errors.AsType[*session.Refusal](err); ok {
			return refusal.Signals, err
		}
		if g.RefreshToken.Reveal() != "" {
			*token = g.RefreshToken
		}
		return g.Signals, err
	}
	// The victim works in the office by day and at home in the evening, for two days.
	for m := 15; m < 2*24*60; m += 15 {
		if hour := (8*60 + m) / 60 % 24; hour < 8 || hour >= 23 {
			continue
		}
		at(m)
		if _, err := refresh(&token, p.visit(p.online(w.now.Weekday(), w.now.Hour()))); err != nil {
			w.t.Fatal(err)
		}
	}
	copied, first := token, 2*24*60+1+p.rng.IntN(13)
	at(first)
	signals, err := refresh(&copied, how.use(p.rng, p))
	for _, s := range signals {
		c.raised[s]++
	}
	if errors.Is(err, session.ErrReauth) {
		c.refused++
		return
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for m := first + 1; m < first+24*60; m++ {
		at(m)
		err = nil
		switch {
		case m%15 == 0:
			_, err = refresh(&token, p.visit(&p.home))
		case (m-first)%14 == 0:
			_, err = refresh(&copied, how.use(p.rng, p))
		}
		if refusal, ok := errors.AsType[*session.Refusal](err); ok && refusal.Outcome.Theft() {
			c.ended = append(c.ended, time.Duration(m-first)*time.Minute)
			return
		} else if err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestTravellers prints the false alarms of each signal, and the thieves that each shows at the first use
// of the copied token, before the rules of rotation can know.
func TestTravellers(t *testing.T) {
	rng := rand.New(rand.NewPCG(*seed, 22))
	offices := make([]network, 50)
	for i := range offices {
		offices[i] = v4(rng, towns[0])
	}
	counts := map[string]*count{}
	begun := time.Now()
	for i := range *travellers {
		p := newPerson(rand.New(rand.NewPCG(*seed, uint64(i))), offices)
		if counts[p.kind] == nil {
			counts[p.kind] = &count{raised: map[auth.Signal]int{}, touched: map[auth.Signal]int{}}
		}
		newWorld(t, nil).live(p, subjectOf(i), counts[p.kind])
	}
	var b strings.Builder
	all := count{raised: map[auth.Signal]int{}, touched: map[auth.Signal]int{}}
	line := func(name string, c count) {
		fmt.Fprintf(&b, "| %s | %d | %d |", name, c.people, c.refreshes)
		for _, s := range auth.Signals() {
			fmt.Fprintf(&b, " %.2f %% (%.0f %%) |", percent(c.raised[s], c.refreshes), percent(c.touched[s], c.people))
		}
		b.WriteByte('\n')
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		c := counts[name]
		all.people, all.refreshes = all.people+c.people, all.refreshes+c.refreshes
		for _, s := range auth.Signals() {
			all.raised[s] += c.raised[s]
			all.touched[s] += c.touched[s]
		}
		line(name, *c)
	}
	line("all", all)
	t.Logf("honest refreshes with a signal, and people who raise it once or more in %d days (%v):\n| people | number | refreshes | %s |\n%s", *days, time.Since(begun).Round(time.Second), words(), &b)

	b.Reset()
	for k, how := range thieves {
		c, asked := caught{raised: map[auth.Signal]int{}}, caught{raised: map[auth.Signal]int{}}
		for i := range *travellers / (5 * len(thieves)) {
			seeds := func() *person {
				return newPerson(rand.New(rand.NewPCG(*seed+uint64(k)+1, uint64(i))), offices)
			}
			newWorld(t, nil).steal(seeds(), subjectOf(i), how, &c)
			newWorld(t, map[auth.Signal][]auth.ClientID{auth.NetworkChanged: {"web"}}).stealQuietly(seeds(), subjectOf(i), how, &asked)
		}
		fmt.Fprintf(&b, "| %s | %d |", how.name, c.thieves)
		for _, s := range auth.Signals() {
			fmt.Fprintf(&b, " %.0f %% |", percent(c.raised[s], c.thieves))
		}
		slices.Sort(c.ended)
		fmt.Fprintf(&b, " %.0f %% | %v | %v | %.0f %% |\n", percent(len(c.ended), c.thieves), c.ended[len(c.ended)/2], c.ended[len(c.ended)-1], percent(asked.refused, asked.thieves))
		if len(c.ended) != c.thieves {
			t.Errorf("%s: the rules ended %d sessions of %d", how.name, len(c.ended), c.thieves)
		}
		if how.name != "next door" && percent(c.raised[auth.NetworkChanged], c.thieves) < 90 {
			t.Errorf("%s: %d of %d thieves came from an unknown network", how.name, c.raised[auth.NetworkChanged], c.thieves)
		}
	}
	t.Logf("thieves whose first refresh has a signal, whose session the rules end, when (half, all), and who get nothing with reauth_on network_changed:\n| thief | number | %s | ended | half | all | refused |\n%s", words(), &b)

	// These statements must always be true.
	if n := all.raised[auth.UserAgentChanged]; n > all.people/10 {
		t.Errorf("%d of %d people changed their program", n, all.people)
	}
	for _, name := range []string{"commuter", "dual", "phone"} {
		if c := counts[name]; c != nil && (c.raised[auth.ImpossibleTravel] > 0 || c.raised[auth.CountryChanged] > 0) {
			t.Errorf("a %s travels: %v", name, c.raised)
		}
	}
}

// stealQuietly plays the same with a victim who logs in where the client asks for it: the network is
// remembered then.
func (w *world) stealQuietly(p *person, id auth.SubjectID, how thief, c *caught) {
	p.kind = "dual"
	p.home6 = p.home // one place
	w.steal(p, id, how, c)
}

func words() string {
	all := make([]string, 0, 5)
	for _, s := range auth.Signals() {
		all = append(all, string(s))
	}
	return strings.Join(all, " | ")
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(1, of)) }

func subjectOf(i int) auth.SubjectID { return auth.SubjectID(fmt.Sprintf("person %d", i)) }

type subjects struct{}

func (subjects) Subject(_ context.Context, id auth.SubjectID) (auth.Subject, error) {
	return auth.Subject{ID: id}, nil
}

type keys struct{}

var key = auth.RefreshTokenKey{ID: 1, Secret: auth.NewSecret(string(binary.BigEndian.AppendUint64(make([]byte, 24), 1)))}

func (keys) SealingKey(context.Context) (auth.RefreshTokenKey, error) { return key, nil }
func (keys) RefreshTokenKey(context.Context, uint16) (auth.RefreshTokenKey, error) {
	return key, nil
}
func (keys) Reload(context.Context, time.Time) error { return nil }

// memory is a store for one goroutine.
type memory struct {
	session.Store
	items map[session.Key]*session.Session
}

func (m memory) Create(_ context.Context, s session.Session) error {
	m.items[s.Key] = &s
	return nil
}

func (m memory) Get(_ context.Context, key session.Key) (session.Session, error) {
	if s := m.items[key]; s != nil {
		return *s, nil
	}
	return session.Session{}, auth.ErrNotFound
}

func (m memory) Update(_ context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	s := m.items[key]
	if s == nil {
		return nil, false, nil
	}
	before := *s
	return &before, u.Do(s), nil
}
