package session_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

// inMemory is a store of one user's sessions that does what the rules say.
type inMemory struct {
	session.Store
	items map[session.Key]*session.Session
}

func (m inMemory) Create(_ context.Context, s session.Session) error {
	m.items[s.Key] = &s
	return nil
}

func (m inMemory) Get(_ context.Context, key session.Key) (session.Session, error) {
	if s := m.items[key]; s != nil {
		return *s, nil
	}
	return session.Session{}, auth.ErrNotFound
}

func (m inMemory) Update(_ context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	s := m.items[key]
	if s == nil {
		return nil, false, nil
	}
	before := *s
	return &before, u.Do(s), nil
}

// inFlight is a request or an answer on its way to a server or to the browser.
type inFlight struct {
	at     time.Duration // when it arrives
	token  auth.Secret   // the token of a request, or the token that an answer stores
	stepUp bool
	answer bool
}

// walk lets a browser with one cookie jar use its session and step up, with several requests under
// way. It returns the number of uses that were refused. Every message takes up to leg or is lost.
// Every server's clock is up to 10 seconds off. Each use is sent with the cookie that the jar has
// at that moment.
func walk(t *testing.T, random *rand.Rand, rules session.Rules, leg time.Duration) (refused int) {
	h := &testManager{users: &directory{subject: auth.Subject{ID: aUUID, TokenVersion: 2}}, now: epoch}
	var err error
	h.Manager, err = session.NewManager(session.Config{
		Store: inMemory{items: map[session.Key]*session.Session{}}, Subjects: h.users, Keys: codec.Keys, Rules: rules, Now: func() time.Time { return h.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	jar := h.opaqueLogin(t).SessionToken
	var now time.Duration
	var flying []inFlight
	flight := func() time.Duration { return now + time.Duration(random.Int64N(int64(leg)+1)) }
	for range 120 {
		now += time.Duration(random.IntN(40)) * time.Second
		slices.SortFunc(flying, func(a, b inFlight) int { return int(a.at - b.at) })
		for len(flying) > 0 && flying[0].at <= now {
			m := flying[0]
			flying = flying[1:]
			switch h.now = epoch.Add(m.at + time.Duration(random.IntN(21)-10)*time.Second); {
			case m.answer:
				jar = m.token
			case m.stepUp:
				token, _ := session.ParseOpaque(m.token)
				g, err := h.StepUp(t.Context(), token.Key().ID, h.opening(auth.Balanced))
				if err == nil && random.IntN(4) > 0 { // otherwise the answer is lost
					flying = append(flying, inFlight{at: m.at + time.Duration(random.Int64N(int64(leg)+1)), token: g.SessionToken, answer: true})
					slices.SortFunc(flying, func(a, b inFlight) int { return int(a.at - b.at) })
				}
			default:
				if outcome, _ := h.opaque(t, m.token); outcome != "" {
					refused++
				}
			}
		}
		if random.IntN(8) > 0 {
			flying = append(flying, inFlight{at: flight(), token: jar, stepUp: random.IntN(12) == 0})
		}
	}
	return refused
}

// No use of an honest browser is refused, even if messages are late or lost after a step-up.
// Without the handover, uses that were under way are refused, so the test can detect the fault.
func TestOpaqueStepUpRefusesNoHonestUse(t *testing.T) {
	const walks = 300
	at := func(handover, leg time.Duration) (refused int) {
		rules := session.DefaultRules()
		rules.Handover = handover
		for i := range walks {
			refused += walk(t, rand.New(rand.NewPCG(7, uint64(i))), rules, leg)
		}
		return refused
	}
	if n := at(session.DefaultRules().Handover, 45*time.Second); n != 0 {
		t.Errorf("%d uses were refused", n)
	}
	ended := at(time.Millisecond, 45*time.Second)
	t.Logf("without the handover, %d uses in %d walks are refused", ended, walks)
	if ended == 0 {
		t.Error("without the handover no use is refused: the walks see nothing")
	}
}
