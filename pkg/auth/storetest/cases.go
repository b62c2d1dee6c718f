package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// A Case is an item and two updates of it: a refresh, and then an update of any form.
type Case struct {
	Name      string
	Item      *session.Session // nil for a missing item
	Presented session.Presented
	// NotBefore is the Rules.SessionsNotBefore of the refresh.
	NotBefore time.Time
	Then      session.Update
}

// rules returns the rules of the refresh.
func (c Case) rules() session.Rules {
	rules := session.DefaultRules()
	rules.SessionsNotBefore = c.NotBefore
	return rules
}

const (
	idleTimeout     = 14 * 24 * time.Hour
	absoluteTimeout = 90 * 24 * time.Hour
)

var (
	branchA = session.Branch{0xa}
	branchB = session.Branch{0xb}
	begun   = Epoch.Add(-absoluteTimeout / 2)
)

// Cases returns all cases at the boundaries of the rules, and random cases up to n in total. The
// boundary cases alone may be more than n. subject returns the subject of each session.
func Cases(n int, seed uint64, subject func(i int) auth.SubjectID) []Case {
	rng := rand.New(rand.NewPCG(seed, 1))
	cases := boundaries()
	for len(cases) < n {
		cases = append(cases, randomCase(rng))
	}
	for i := range cases {
		c := &cases[i]
		c.Presented.Token.Subject = subject(i)
		c.Presented.Token.Secret = auth.NewSecret(fmt.Sprintf("%016d", i))
		if c.Item != nil {
			c.Item.Key = c.Presented.Token.Key()
		}
		if c.Then.Set == (session.Change{}) {
			c.Then = randomUpdate(rng, c.Presented)
		}
		if c.Item == nil && rng.IntN(2) == 0 {
			c.Then.If = session.Condition{} // on a missing item every condition fails
		}
	}
	return cases
}

// boundaries puts every instant that a rule compares one millisecond before, at and after the
// comparison, for every relation between the generation and branch of a token and of the item.
func boundaries() []Case {
	rules := session.DefaultRules()
	times := []struct {
		name string
		move func(c *Case, by time.Duration)
	}{
		{"M after the rotation", func(c *Case, by time.Duration) {
			c.Item.RotatedAt = c.Presented.Now.Add(-rules.MinimumInterval - by)
		}},
		{"G after the rotation", func(c *Case, by time.Duration) {
			c.Item.RotatedAt = c.Presented.Now.Add(-rules.GracePeriod - by)
		}},
		{"rotated L after the issue, M ago", func(c *Case, by time.Duration) {
			c.Item.RotatedAt = c.Presented.Now.Add(-rules.MinimumInterval)
			c.Presented.Token.IssuedAt = c.Item.RotatedAt.Add(-rules.LateUse - by)
		}},
		{"rotated L after the issue, just now", func(c *Case, by time.Duration) {
			c.Item.RotatedAt = c.Presented.Now
			c.Presented.Token.IssuedAt = c.Item.RotatedAt.Add(-rules.LateUse - by)
		}},
		{"idle end", func(c *Case, by time.Duration) { c.Item.IdleEnd = c.Presented.Now.Add(-by) }},
		{"absolute end", func(c *Case, by time.Duration) { c.Item.AbsoluteEnd = c.Presented.Now.Add(-by) }},
		{"created", func(c *Case, by time.Duration) { c.NotBefore = c.Item.CreatedAt.Add(by) }},
		{"created, within a millisecond", func(c *Case, by time.Duration) { c.NotBefore = c.Item.CreatedAt.Add(by + time.Millisecond/2) }},
		{"end of a handover", func(c *Case, by time.Duration) { c.Item.PausedUntil = c.Presented.Now.Add(-by) }},
		{"handover, just rotated", func(c *Case, by time.Duration) {
			c.Item.PausedUntil, c.Item.RotatedAt = c.Presented.Now.Add(-by), c.Presented.Now.Add(-rules.GracePeriod)
		}},
		{"never rotated", func(c *Case, _ time.Duration) { c.Item.RotatedAt = time.Time{} }},
	}
	var cases []Case
	for _, at := range times {
		for by := -time.Millisecond; by <= time.Millisecond; by += time.Millisecond {
			for generation := uint64(3); generation <= 7; generation++ {
				for _, profile := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
					for _, parent := range []session.Branch{branchA, branchB} {
						c := plain(profile)
						c.Item.Generation, c.Item.Parent = generation, parent
						at.move(&c, by)
						c.Name = fmt.Sprintf("%s %+d ms, %s, token 5 on generation %d, branch of the parent %t",
							at.name, by.Milliseconds(), profile, generation, parent == branchA)
						cases = append(cases, c)
					}
				}
			}
		}
	}
	return slices.Concat(cases, profiles(), kinds(), slides(), traces())
}

// kinds presents refresh tokens of opaque sessions.
func kinds() []Case {
	var cases []Case
	for _, profile := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
		c := plain(profile)
		c.Item.Kind = session.OpaqueKind
		c.Name = fmt.Sprintf("%s token of an opaque session", profile)
		cases = append(cases, c)
	}
	return cases
}

// traces presents every slot of every kind of fact. The sessions remember this fact, another fact
// in the same slot, a fact in another slot, or no fact. Their client asks for a login or does not.
func traces() []Case {
	signals := []auth.Signal{auth.NetworkChanged, auth.UserAgentChanged, auth.CountryChanged}
	var cases []Case
	for k := session.NetworkFact; k <= session.CountryFact; k++ {
		n := session.Tag(len(new(session.Trace).Slots(k)))
		for slot := range n {
			fact := 3*n + slot
			for name, remembered := range map[string]session.Tag{"this fact": fact, "the same slot": fact + n, "another slot": fact + 1, "none": 0} {
				for _, client := range []auth.ClientID{"app", "another"} {
					c := plain(auth.Balanced)
					if remembered != 0 {
						c.Item.Trace.Slots(k)[remembered.Slot(int(n))] = remembered
					}
					*[]*session.Tag{&c.Presented.Facts.Network, &c.Presented.Facts.UserAgent, &c.Presented.Facts.Country}[k] = fact
					c.Presented.ReauthOn = map[auth.Signal][]auth.ClientID{signals[k]: {client}}
					c.Name = fmt.Sprintf("%s in slot %d, remembered: %s, asked by %s", signals[k], slot, name, client)
					cases = append(cases, c)
				}
			}
		}
	}
	return cases
}

// slides moves the idle end of an opaque session and of a refresh session, one millisecond before,
// at and after every instant that the rule compares. The preceding refresh writes nothing, because
// its token is of an older generation.
func slides() []Case {
	interval := session.DefaultRules().SlideInterval
	var cases []Case
	for _, kind := range []session.Kind{session.OpaqueKind, session.RefreshKind} {
		for name, move := range map[string]func(s *session.Session, by time.Duration){
			"last use":     func(s *session.Session, by time.Duration) { s.LastSeen = Epoch.Add(-interval - by) },
			"idle end":     func(s *session.Session, by time.Duration) { s.IdleEnd = Epoch.Add(-by) },
			"absolute end": func(s *session.Session, by time.Duration) { s.AbsoluteEnd = Epoch.Add(-by) },
			"revoked": func(s *session.Session, by time.Duration) {
				s.Revocation = &session.Revocation{At: Epoch.Add(by), Reason: session.RevocationLogout}
			},
		} {
			for by := -time.Millisecond; by <= time.Millisecond; by += time.Millisecond {
				c := plain(auth.Balanced)
				c.Presented.Token.Generation = 1
				c.Item.Kind = kind
				move(c.Item, by)
				c.Then = session.DefaultRules().Slide(Epoch)
				c.Name = fmt.Sprintf("slide, kind %d, %s %+d ms", kind, name, by.Milliseconds())
				cases = append(cases, c)
			}
		}
	}
	return cases
}

// profiles presents tokens whose profile differs from the session's.
func profiles() []Case {
	all := []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed}
	var cases []Case
	for _, own := range all {
		for _, claimed := range all {
			for generation := uint64(4); generation <= 7 && claimed != own; generation++ {
				for _, parent := range []session.Branch{branchA, branchB} {
					c := plain(own)
					c.Presented.Token.Profile = claimed
					c.Item.Generation, c.Item.Parent = generation, parent
					c.Name = fmt.Sprintf("%s token 5 on generation %d of %s, branch of the parent %t", claimed, generation, own, parent == branchA)
					cases = append(cases, c)
				}
			}
		}
	}
	return cases
}

// plain is generation 5 of a valid session, presented an hour after its rotation.
func plain(profile auth.Profile) Case {
	return Case{
		Item: &session.Session{
			Kind: session.RefreshKind, Profile: profile, Client: "app", Scope: []string{"read", "write"}, TokenVersion: 3,
			Generation: 5, Parent: branchB, RotatedAt: Epoch.Add(-time.Hour), Invocation: session.Invocation{7},
			IdleTimeout: idleTimeout, IdleEnd: Epoch.Add(idleTimeout - time.Hour), AbsoluteEnd: Epoch.Add(absoluteTimeout / 2),
			CreatedAt: begun, LastSeen: Epoch.Add(-time.Hour), AuthTime: begun,
			AMR: []string{"pwd", "otp"}, UserAgent: "a browser", Address: "192.0.2.1", Label: "a label", Remember: true,
		},
		Presented: session.Presented{
			Token: session.Token{Profile: profile, Generation: 5, Branch: branchA, IssuedAt: Epoch.Add(-time.Hour)},
			Now:   Epoch, Invocation: session.Invocation{8}, Fresh: session.Branch{0xf},
		},
	}
}

func randomCase(rng *rand.Rand) Case {
	c := plain(auth.Profile(1 + rng.IntN(3)))
	c.Name = "random"
	if rng.IntN(20) == 0 {
		c.Item = nil
		return c
	}
	s, p := c.Item, &c.Presented
	s.Generation = uint64(3 + rng.IntN(5))
	s.Parent = pick(rng, branchA, branchB)
	s.RotatedAt = pick(rng, time.Time{}, Epoch, Epoch.Add(-near(rng)))
	p.Token.IssuedAt = Epoch.Add(-near(rng)).Truncate(time.Second)
	p.Now = Epoch.Add(pick(rng, 0, near(rng), idleTimeout))
	if rng.IntN(8) == 0 {
		s.Invocation = p.Invocation
	}
	if rng.IntN(4) == 0 {
		client := pick(rng, s.Client, "another", "")
		p.Client = &client
	}
	if rng.IntN(6) == 0 {
		c.NotBefore = s.CreatedAt.Add(time.Duration(rng.IntN(5)-2) * time.Millisecond)
	}
	if rng.IntN(6) == 0 {
		s.Kind = session.OpaqueKind
	}
	if rng.IntN(10) == 0 {
		s.Revocation = &session.Revocation{At: Epoch.Add(-time.Minute), Reason: session.RevocationLogout,
			Invocation: session.Invocation{byte(rng.IntN(3))}}
	}
	if rng.IntN(10) == 0 {
		s.Scope, s.UserAgent, s.Address, s.Label, s.AMR = nil, "", "", "", nil
	}
	if rng.IntN(2) == 0 {
		s.Delivery, s.Remember = auth.Delivery(rng.IntN(4)), rng.IntN(2) == 0
		p.ByCookie = s.Delivery.ByCookie() != (rng.IntN(5) == 0)
	}
	if rng.IntN(4) == 0 {
		s.Replaces = session.ID{byte(1 + rng.IntN(9))}
	}
	if rng.IntN(2) == 0 {
		s.Trace, p.Facts = traceOf(rng), factsOf(rng)
	}
	if rng.IntN(3) == 0 {
		p.ReauthOn = map[auth.Signal][]auth.ClientID{}
		for _, signal := range []auth.Signal{auth.NetworkChanged, auth.UserAgentChanged, auth.CountryChanged} {
			if rng.IntN(2) == 0 {
				p.ReauthOn[signal] = pick(rng, []auth.ClientID{"app"}, []auth.ClientID{"another", "app"}, []auth.ClientID{"another"})
			}
		}
	}
	if rng.IntN(4) == 0 {
		s.PausedUntil = p.Now.Add(near(rng) - time.Minute)
	}
	return c
}

// randomUpdate returns an update of any form, including forms that no rule uses today.
func randomUpdate(rng *rand.Rand, p session.Presented) session.Update {
	var u session.Update
	if rng.IntN(2) == 0 {
		u.If.LiveAt = p.Now.Add(pick(rng, 0, near(rng), idleTimeout, absoluteTimeout))
	}
	if rng.IntN(3) == 0 {
		client := pick[auth.ClientID](rng, "app", "another", "")
		u.If.Client = &client
	}
	if rng.IntN(3) == 0 {
		u.If.Kind = pick(rng, session.RefreshKind, session.OpaqueKind)
	}
	if rng.IntN(3) == 0 {
		u.If.Profile = auth.Profile(1 + rng.IntN(3))
	}
	if rng.IntN(4) == 0 {
		u.If.CreatedFrom = begun.Add(time.Duration(rng.IntN(5)-2) * time.Millisecond)
	}
	if rng.IntN(3) == 0 {
		byCookie := rng.IntN(2) == 0
		u.If.ByCookie = &byCookie
	}
	if rng.IntN(3) == 0 {
		u.If.UnpausedAt = p.Now.Add(near(rng) - time.Minute)
	}
	if rng.IntN(3) == 0 {
		u.If.IdleSince = Epoch.Add(time.Duration(rng.IntN(5)-2)*time.Millisecond - time.Hour)
	}
	if rng.IntN(4) == 0 {
		u.If.Known = []session.Known{{Clients: pick(rng, []auth.ClientID{"app"}, []auth.ClientID{"another", "app"}, []auth.ClientID{"another"}),
			Kind: pick(rng, session.NetworkFact, session.UserAgentFact, session.CountryFact), Fact: session.Tag(1 + rng.IntN(32))}}
	}
	for range rng.IntN(4) {
		m := session.Match{Generation: uint64(3 + rng.IntN(6))}
		if rng.IntN(4) == 0 {
			m.Below = uint64(1 + rng.IntN(9))
		}
		if rng.IntN(2) == 0 {
			parent := pick(rng, branchA, branchB)
			m.Parent = &parent
		}
		if rng.IntN(2) == 0 {
			m.RotatedBy = p.Now.Add(-near(rng))
		}
		u.If.AnyOf = append(u.If.AnyOf, m)
	}
	// At least one part is written, because an update must change something.
	parts := 1 + rng.IntN(127)
	if parts&1 != 0 {
		u.Set.Rotation = &session.Rotation{Generation: uint64(rng.IntN(9)), Parent: pick(rng, branchA, branchB),
			At: p.Now, Invocation: session.Invocation{byte(rng.IntN(9))}}
	}
	if parts&2 != 0 {
		u.Set.Activity = &session.Activity{At: p.Now.Add(near(rng))}
	}
	if parts&4 != 0 {
		label := pick(rng, "", "my laptop", "日本語 \"quoted\"")
		u.Set.Label = &label
	}
	if parts&8 != 0 {
		u.Set.Revocation = &session.Revocation{At: p.Now, Reason: pick(rng, session.RevocationTheft, session.RevocationAdmin),
			Invocation: session.Invocation{byte(rng.IntN(3))}}
	}
	if parts&16 != 0 {
		u.Set.Pause = &session.Pause{Until: p.Now.Add(near(rng))}
	}
	if parts&32 != 0 {
		version := uint64(rng.IntN(9))
		u.Set.TokenVersion = &version
	}
	if parts&64 != 0 {
		facts := factsOf(rng)
		facts.Network |= 1 // an update must change something
		u.Set.Facts = &facts
	}
	return u
}

// traceOf returns a trace of a few facts, or an empty trace.
func traceOf(rng *rand.Rand) (t session.Trace) {
	for k := session.NetworkFact; k <= session.CountryFact; k++ {
		slots := t.Slots(k)
		for range rng.IntN(4) {
			tag := session.Tag(1 + rng.IntN(16))
			slots[tag.Slot(len(slots))] = tag
		}
	}
	t.Network, t.Place = session.Tag(rng.IntN(3)), session.Place(rng.IntN(3))
	return t
}

// factsOf returns facts with the same few values, some of them unknown.
func factsOf(rng *rand.Rand) session.Facts {
	tag := func() session.Tag { return session.Tag(rng.IntN(17)) }
	return session.Facts{Network: tag(), UserAgent: tag(), Country: tag(), Place: session.Place(rng.IntN(3))}
}

// near returns a duration of the size that the rules compare.
func near(rng *rand.Rand) time.Duration {
	rules := session.DefaultRules()
	around := pick(rng, 0, rules.GracePeriod, rules.MinimumInterval, rules.LateUse, time.Hour)
	return max(0, around+time.Duration(rng.IntN(5)-2)*time.Millisecond)
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }
