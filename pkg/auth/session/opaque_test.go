package session_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

func opaqueText(t testing.TB, subject auth.SubjectID, secret string) string {
	t.Helper()
	text, err := session.OpaqueToken{Subject: subject, Secret: auth.NewSecret(secret)}.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

const aSecret = "0123456789abcdef"

// The vectors pin the format: cookies that browsers hold today must be read until they end.
func TestOpaqueTokenVectors(t *testing.T) {
	for subject, want := range map[auth.SubjectID]string{
		aUUID:                    "ess_IQAbZxpkQNVJHpmw2gH_HzNBMDEyMzQ1Njc4OWFiY2RlZpUZ0M0",
		"user-1":                 "ess_IQZ1c2VyLTEwMTIzNDU2Nzg5YWJjZGVmXrb8GA",
		"ü":                      "ess_IQLDvDAxMjM0NTY3ODlhYmNkZWZogw7q",
		auth.SubjectID("a b\"c"): "ess_IQVhIGIiYzAxMjM0NTY3ODlhYmNkZWalGnbm",
	} {
		if got := opaqueText(t, subject, aSecret); got != want {
			t.Errorf("%s: %s, want %s", subject, got, want)
		}
		token, ok := session.ParseOpaque(auth.NewSecret(want))
		if !ok || token.Subject != subject || token.Secret.Reveal() != aSecret || token.Key().ID != session.IDOf(token.Secret) {
			t.Errorf("%s was read as %q, %t", want, token.Subject, ok)
		}
	}
	if n := len(opaqueText(t, aUUID, aSecret)); n != 55 {
		t.Errorf("a token for a UUID subject has %d characters", n)
	}
	if n := len(opaqueText(t, auth.SubjectID(strings.Repeat("x", 64)), aSecret)); n != 119 {
		t.Errorf("the longest token has %d characters", n)
	}
}

// opaqueJunk are texts that are not tokens. Each must cost no read.
func opaqueJunk(t testing.TB) map[string]string {
	good := opaqueText(t, aUUID, aSecret)
	encoded := func(b ...byte) string {
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
		return "ess_" + base64.RawURLEncoding.EncodeToString(b)
	}
	head := append([]byte{0x21, 36}, aUUID+aSecret...)
	return map[string]string{
		"empty": "", "prefix alone": "ess_", "no prefix": good[4:], "prefix in capitals": "ESS_" + good[4:], "padded": good + "=", "blank around": " " + good,
		"quoted": `"` + good + `"`, "line feed": good[:20] + "\n" + good[20:], "cut": good[:len(good)-1], "longer": good + "A", "trailing bits": trailingBits(good),
		"very long": "ess_" + strings.Repeat("A", 100_000), "junk": "ess_" + strings.Repeat("A", 51), "a refresh token": sealed(t, aToken(aUUID)),
		"a refresh token as a session token": "ess_" + sealed(t, aToken(aUUID))[4:], "a JWT": "eyJhbGciOiJub25lIn0.e30.",
		"another version": encoded(append([]byte{0x22, 1}, "a"+aSecret...)...), "another kind": encoded(append([]byte{0x11, 1}, "a"+aSecret...)...),
		"a UUID as text": encoded(head...), "no subject": encoded(append([]byte{0x21, 0}, aSecret...)...),
		"a control character in the subject": encoded(append([]byte{0x21, 3}, "a\nb"+aSecret...)...),
		"a subject that is too long":         encoded(append([]byte{0x21, 65}, strings.Repeat("x", 65)+aSecret...)...),
		"a short secret":                     encoded(append([]byte{0x21, 1}, "a"+aSecret[1:]...)...),
	}
}

func TestParseOpaqueRefuses(t *testing.T) {
	for name, text := range opaqueJunk(t) {
		if got, ok := session.ParseOpaque(auth.NewSecret(text)); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
	good := opaqueText(t, aUUID, aSecret)
	for i := range good {
		for _, c := range []byte("Aa0_-") {
			if text := good[:i] + string(c) + good[i+1:]; text != good {
				if _, ok := session.ParseOpaque(auth.NewSecret(text)); ok {
					t.Errorf("byte %d can be %q", i, c)
				}
			}
		}
	}
	for _, token := range []session.OpaqueToken{
		{Subject: "", Secret: auth.NewSecret(aSecret)}, {Subject: "a", Secret: auth.NewSecret(aSecret + "x")}, {Subject: "a\nb", Secret: auth.NewSecret(aSecret)},
	} {
		if text, err := token.Text(); err == nil {
			t.Errorf("%q was written as %s", token.Subject, text.Reveal())
		}
	}
}

func FuzzParseOpaque(f *testing.F) {
	f.Add(opaqueText(f, aUUID, aSecret))
	f.Add(opaqueText(f, "user-1", aSecret))
	for _, text := range opaqueJunk(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, ok := session.ParseOpaque(auth.NewSecret(text))
		if !ok {
			return
		}
		// Each token has one spelling: a parsed token is written as the same text.
		if again, err := token.Text(); err != nil || again.Reveal() != text {
			t.Errorf("%q is also %q, %v", text, again.Reveal(), err)
		}
	})
}

// opaqueOpening is the opening of a login that asks for a session cookie.
func (h *testManager) opaqueOpening() session.Opening {
	o := h.opening(auth.Balanced)
	o.Delivery = auth.DeliverySession
	return o
}

func (h *testManager) opaqueLogin(t testing.TB) session.Granted {
	t.Helper()
	g, err := h.Open(t.Context(), h.opaqueOpening())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// opaque checks a session token and returns the outcome, or "" if it opens its session.
func (h *testManager) opaque(t testing.TB, text auth.Secret) (session.Outcome, session.Checked) {
	t.Helper()
	c, err := h.CheckOpaque(t.Context(), text)
	if err == nil {
		return "", c
	}
	refusal, ok := errors.AsType[*session.Refusal](err)
	if !ok {
		t.Fatalf("the error is no *Refusal: %v", err)
	}
	return refusal.Outcome, c
}

func TestOpaqueLogin(t *testing.T) {
	h := newTestManager(t)
	h.Config().Keys = keys{err: auth.ErrUnavailable} // no key is needed
	g := h.opaqueLogin(t)
	s := g.Session
	if s.Kind != session.OpaqueKind || s.Delivery != auth.DeliverySession || g.RefreshToken.Reveal() != "" || g.StoreWithin != 0 {
		t.Errorf("%+v, and the refresh token %q", s, g.RefreshToken.Reveal())
	}
	if end := s.AbsoluteEnd.Sub(h.now); end != 7*24*time.Hour {
		t.Errorf("the session ends after %v", end)
	}
	token, ok := session.ParseOpaque(g.SessionToken)
	if !ok || token.Key() != s.Key {
		t.Errorf("the token %q is of %v", g.SessionToken.Reveal(), token.Key())
	}
	outcome, c := h.opaque(t, g.SessionToken)
	if outcome != "" || c.Session.Key != s.Key || c.Subject.ID != s.Subject || !slices.Equal(c.Subject.Roles, []string{"admin"}) {
		t.Errorf("%s, %+v", outcome, c)
	}
	// Each login has its own session.
	if again := h.opaqueLogin(t); again.Session.ID == s.ID {
		t.Error("a session was adopted")
	}
	for _, row := range []struct{ absolute, opaque, want time.Duration }{
		{time.Hour, 0, time.Hour}, {90 * 24 * time.Hour, 0, 7 * 24 * time.Hour}, {time.Hour, 30 * 24 * time.Hour, 30 * 24 * time.Hour},
	} {
		o := h.opaqueOpening()
		o.Client.AbsoluteTimeout, o.Client.OpaqueTimeout = row.absolute, row.opaque
		if g, err := h.Open(t.Context(), o); err != nil || g.Session.AbsoluteEnd.Sub(h.now) != row.want {
			t.Errorf("%+v: %v, %v", row, g.Session.AbsoluteEnd.Sub(h.now), err)
		}
	}
}

// What a server holds opens nothing: neither the id of a session nor any other part of its item is
// its secret.
func TestOpaqueTableOpensNothing(t *testing.T) {
	h := newTestManager(t)
	g := h.opaqueLogin(t)
	for _, text := range []string{
		g.Session.ID.String(), "ess_" + g.Session.ID.String(), opaqueText(t, aUUID, string(g.Session.ID[:])), opaqueText(t, aUUID, string(g.Session.Invocation[:])+string(g.Session.Parent[:])),
	} {
		if outcome, _ := h.opaque(t, auth.NewSecret(text)); outcome == "" {
			t.Errorf("%s opens the session", text)
		}
	}
}

// A token of one kind is refused in the place of the other kind.
func TestOpaqueKinds(t *testing.T) {
	h := newTestManager(t)
	refreshed, opaque := h.login(t, auth.Balanced), h.opaqueLogin(t)

	// The holder of a refresh token knows its session's secret.
	token, err := codec.Parse(t.Context(), refreshed.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	forged := auth.NewSecret(opaqueText(t, token.Subject, token.Secret.Reveal()))
	outcome, _ := h.opaque(t, forged)
	want(t, "the session of a refresh token, by a session token", outcome, session.OutcomeForged)
	if e, err := h.LogoutOpaque(t.Context(), forged, nil); err != nil || e.Outcome != session.OutcomeForged {
		t.Errorf("a logout: %+v, %v", e, err)
	}
	if outcome, _ := h.refresh(t, refreshed.RefreshToken); outcome != session.OutcomeRotated {
		t.Errorf("the session of refresh tokens: %s", outcome)
	}

	// The holder of a stolen key and the secret could seal a refresh token of an opaque session.
	own, _ := session.ParseOpaque(opaque.SessionToken)
	for _, profile := range profiles {
		sealedWithKey := auth.NewSecret(sealed(t, session.Token{Profile: profile, Subject: own.Subject, Secret: own.Secret, IssuedAt: h.now.Truncate(time.Second)}))
		if e, err := h.Logout(t.Context(), sealedWithKey, nil); err != nil || e.Outcome != session.OutcomeForged {
			t.Errorf("a logout: %+v, %v", e, err)
		}
	}
	if outcome, _ := h.opaque(t, opaque.SessionToken); outcome != "" {
		t.Errorf("the opaque session: %s", outcome)
	}
	for _, profile := range profiles {
		h := newTestManager(t)
		opaque := h.opaqueLogin(t)
		own, _ := session.ParseOpaque(opaque.SessionToken)
		outcome, g := h.refresh(t, auth.NewSecret(sealed(t, session.Token{Profile: profile, Subject: own.Subject, Secret: own.Secret, IssuedAt: h.now.Truncate(time.Second)})))
		if outcome != session.OutcomeReuse || g.RefreshToken.Reveal() != "" {
			t.Errorf("%s: a refresh of an opaque session: %s", profile, outcome)
		}
		outcome, _ = h.opaque(t, opaque.SessionToken)
		want(t, "after a stolen key was used", outcome, session.OutcomeRevoked)
	}
	// A text of the other kind is refused before any read.
	outcome, _ = h.opaque(t, refreshed.RefreshToken)
	want(t, "a refresh token as a session token", outcome, session.OutcomeForged)
	outcome, _ = h.refresh(t, opaque.SessionToken)
	want(t, "a session token as a refresh token", outcome, session.OutcomeForged)
}

func TestCheckOpaqueRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(*testManager, session.Key)
		want session.Outcome
	}{
		{"nothing happened", func(*testManager, session.Key) {}, ""},
		{"logged out", func(h *testManager, k session.Key) {
			_, _ = h.Revoke(context.Background(), k, session.RevocationLogout)
		}, session.OutcomeRevoked},
		{"just not absolute", func(h *testManager, _ session.Key) { h.now = h.now.Add(7*24*time.Hour - time.Millisecond) }, ""},
		{"absolute", func(h *testManager, _ session.Key) { h.now = h.now.Add(7 * 24 * time.Hour) }, session.OutcomeAbsolute},
		{"created before the instant", func(h *testManager, _ session.Key) { h.Config().Rules.SessionsNotBefore = h.now.Add(time.Millisecond) }, session.OutcomeNotBefore},
		{"disabled", func(h *testManager, _ session.Key) { h.users.subject.Disabled = true }, session.OutcomeSubjectDisabled},
		{"a new password", func(h *testManager, _ session.Key) { h.users.subject.TokenVersion++ }, session.OutcomeSubjectSuperseded},
		{"deleted", func(h *testManager, _ session.Key) { h.users.err = auth.ErrNotFound }, session.OutcomeSubjectMissing},
		{"the user cannot be read", func(h *testManager, _ session.Key) { h.users.err = auth.ErrUnavailable }, session.OutcomeFailed},
		{"the session cannot be read", func(h *testManager, _ session.Key) { h.Config().Store = unread{h.store} }, session.OutcomeFailed},
		{"the client is gone", func(h *testManager, _ session.Key) { h.Config().Clients = noClients{} }, session.OutcomeUnknownClient},
	} {
		h := newTestManager(t)
		g := h.opaqueLogin(t)
		row.do(h, g.Session.Key)
		_, err := h.CheckOpaque(t.Context(), g.SessionToken)
		refusal, _ := errors.AsType[*session.Refusal](err)
		switch {
		case row.want == "" && err != nil, row.want != "" && (refusal == nil || refusal.Outcome != row.want):
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		case row.want == session.OutcomeFailed && (errors.Is(err, session.ErrEnded) || !errors.Is(err, auth.ErrUnavailable)):
			t.Errorf("%s: a read that failed decided something: %v", row.name, err)
		}
	}
	h := newTestManager(t)
	o := h.opaqueOpening()
	o.Client.IdleTimeout = time.Hour
	g, err := h.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Hour)
	outcome, _ := h.opaque(t, g.SessionToken)
	want(t, "an hour without use", outcome, session.OutcomeIdle)
}

type noClients struct{}

func (noClients) Has(auth.ClientID) bool { return false }

// An invalid text costs nothing, and a made-up token in the right form costs one read of each
// table.
func TestCheckOpaqueCosts(t *testing.T) {
	h := newTestManager(t)
	g := h.opaqueLogin(t)
	store := &counted{Store: h.store}
	c := session.Checker{Store: store, Subjects: h.users, Now: func() time.Time { return h.now }}
	costs := func(text string) [3]int {
		store.reads = 0
		h.users.reads.Store(0)
		writes := h.store.updates.Load()
		_, _ = c.CheckOpaque(t.Context(), auth.NewSecret(text))
		return [3]int{store.reads, int(h.users.reads.Load()), int(h.store.updates.Load() - writes)}
	}
	for name, text := range opaqueJunk(t) {
		if got := costs(text); got != [3]int{} {
			t.Errorf("%s costs %v", name, got)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		secret := make([]byte, 16)
		for i := range secret {
			secret[i] = byte(random.Uint32())
		}
		if got := costs(opaqueText(t, aUUID, string(secret))); got != [3]int{1, 1, 0} {
			t.Fatalf("a token that was made up costs %v, want one read of the session, one of the user and no write", got)
		}
	}
	if got := costs(g.SessionToken.Reveal()); got != [3]int{1, 1, 0} {
		t.Errorf("a use right after the login costs %v", got)
	}
	h.now = h.now.Add(time.Minute)
	if got := costs(g.SessionToken.Reveal()); got != [3]int{1, 1, 1} {
		t.Errorf("a use after a minute costs %v", got)
	}
}

// A use moves the idle end at most once a minute, and a copy of the token moves it too.
func TestSlide(t *testing.T) {
	h := newTestManager(t)
	g := h.opaqueLogin(t)
	for i, row := range []struct {
		after time.Duration
		slid  bool
	}{{time.Minute - time.Millisecond, false}, {time.Millisecond, true}, {59 * time.Second, false}, {time.Second, true}, {time.Hour, true}} {
		h.now = h.now.Add(row.after)
		writes := h.store.updates.Load()
		outcome, c := h.opaque(t, g.SessionToken)
		s, err := h.store.Get(t.Context(), g.Session.Key)
		if slid := h.store.updates.Load() != writes; outcome != "" || slid != row.slid || slid != s.LastSeen.Equal(h.now) || err != nil {
			t.Errorf("use %d: %s, %d writes, last seen %v, %v", i, outcome, h.store.updates.Load()-writes, s.LastSeen, err)
		}
		if !s.IdleEnd.Equal(s.LastSeen.Add(14*24*time.Hour)) || !equal(c.Session, s) {
			t.Errorf("use %d: idle end %v, and the check returned another session", i, s.IdleEnd)
		}
	}
}

// A failed slide refuses nothing and is reported.
func TestSlideFails(t *testing.T) {
	h := newTestManager(t)
	g := h.opaqueLogin(t)
	h.now = h.now.Add(time.Hour)
	h.store.fail = func(int32) error { return session.ErrThrottled }
	outcome, c := h.opaque(t, g.SessionToken)
	if outcome != "" || !errors.Is(c.SlideErr, auth.ErrUnavailable) {
		t.Errorf("%s, %v", outcome, c.SlideErr)
	}
	h.store.fail, h.store.lose = nil, func(int32) error { return auth.ErrUnavailable }
	if outcome, c = h.opaque(t, g.SessionToken); outcome != "" || c.SlideErr == nil {
		t.Errorf("a lost reply: %s, %v", outcome, c.SlideErr)
	}
	h.store.lose = nil
	if outcome, c = h.opaque(t, g.SessionToken); outcome != "" || c.SlideErr != nil {
		t.Errorf("afterwards: %s, %v", outcome, c.SlideErr)
	}
}

// beforeUpdate runs f once between a read of the session and the write that follows it.
type beforeUpdate struct {
	session.Store
	f func() // updates the same store
}

func (b *beforeUpdate) Update(ctx context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	if f := b.f; f != nil {
		b.f = nil
		f()
	}
	return b.Store.Update(ctx, key, u)
}

// A session that ends between the read and the slide stays dead, and the request is refused.
func TestSlideRevivesNothing(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(*testManager, session.Granted)
		want session.Outcome
	}{
		{"logout", func(h *testManager, g session.Granted) {
			_, _ = h.LogoutOpaque(context.Background(), g.SessionToken, nil)
		}, session.OutcomeRevoked},
		{"erased", func(h *testManager, g session.Granted) {
			_, _ = h.store.DeleteAll(context.Background(), g.Session.Subject)
		}, session.OutcomeMissing},
		{"idle", func(h *testManager, _ session.Granted) { h.now = h.now.Add(0) }, ""},
	} {
		h := newTestManager(t)
		g := h.opaqueLogin(t)
		h.now = h.now.Add(time.Hour)
		h.Config().Store = &beforeUpdate{Store: h.store, f: func() { row.end(h, g) }}
		outcome, _ := h.opaque(t, g.SessionToken)
		want(t, row.name, outcome, row.want)
		h.now = h.now.Add(time.Hour)
		again, _ := h.opaque(t, g.SessionToken)
		want(t, row.name+", an hour later", again, row.want)
	}
}

// Logouts race with uses: after a logout that was answered, no use is allowed.
func TestSlideAgainstLogout(t *testing.T) {
	h := newTestManager(t)
	for round := range 50 {
		g := h.opaqueLogin(t)
		h.now = h.now.Add(time.Hour)
		var over atomic.Bool
		var all sync.WaitGroup
		for use := range 8 {
			all.Go(func() {
				if use == round%8 {
					if _, err := h.LogoutOpaque(t.Context(), g.SessionToken, nil); err != nil {
						t.Error(err)
					}
					over.Store(true)
					return
				}
				ended := over.Load()
				if outcome, _ := h.opaque(t, g.SessionToken); ended && outcome != session.OutcomeRevoked || outcome != "" && outcome != session.OutcomeRevoked {
					t.Errorf("ended %t: %q", ended, outcome)
				}
			})
		}
		all.Wait()
		if s, err := h.store.Get(t.Context(), g.Session.Key); err != nil || s.Revocation == nil {
			t.Fatalf("the session was revived: %+v, %v", s, err)
		}
	}
}

// If 1,000 parallel requests arrive after a minute, they move the idle end once: every other write
// finds that it is not needed any more.
func TestParallelSlides(t *testing.T) {
	const requests = 1000
	h := newTestManager(t)
	g := h.opaqueLogin(t)
	h.now = h.now.Add(time.Minute)
	written := &slides{Store: h.store}
	h.Config().Store = written
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			if outcome, c := h.opaque(t, g.SessionToken); outcome != "" || c.SlideErr != nil {
				t.Errorf("%s, %v", outcome, c.SlideErr)
			}
		})
	}
	all.Wait()
	t.Logf("%d requests at once: %d tried to move the idle end, %d did", requests, written.tried.Load(), written.done.Load())
	if written.done.Load() != 1 {
		t.Errorf("the idle end moved %d times", written.done.Load())
	}
	tried := written.tried.Load()
	for range requests {
		h.opaque(t, g.SessionToken)
	}
	if written.tried.Load() != tried {
		t.Error("a use within the minute tried to move the idle end")
	}
}

// slides counts the updates, and the updates whose condition held.
type slides struct {
	session.Store
	tried, done atomic.Int32
}

func (s *slides) Update(ctx context.Context, key session.Key, u session.Update) (*session.Session, bool, error) {
	before, done, err := s.Store.Update(ctx, key, u)
	s.tried.Add(1)
	if done {
		s.done.Add(1)
	}
	return before, done, err
}

// TestWritesPerSessionDay counts the writes for a user who works eight hours a day, with a request
// every few seconds during the work.
func TestWritesPerSessionDay(t *testing.T) {
	h := newTestManager(t)
	store := &counted{Store: h.store}
	h.Config().Store = store
	random := rand.New(rand.NewPCG(3, 4))
	g := h.opaqueLogin(t)
	start, requests := h.now, 0
	for h.now.Before(start.Add(8 * time.Hour)) {
		pause := time.Duration(1+random.IntN(20)) * time.Second
		if random.IntN(100) == 0 {
			pause = time.Duration(5+random.IntN(20)) * time.Minute // reading, a meeting, lunch
		}
		h.now = h.now.Add(pause)
		requests++
		if outcome, _ := h.opaque(t, g.SessionToken); outcome != "" {
			t.Fatal(outcome)
		}
	}
	writes := int(h.store.updates.Load())
	t.Logf("a day of %d requests: %d writes and %d reads of the session, %d reads of the user", requests, writes, store.reads, h.users.reads.Load())
	if most := 8*60 + 1; writes > most || store.reads != requests {
		t.Errorf("%d writes (want at most %d) and %d reads (want %d)", writes, most, store.reads, requests)
	}
}

// A step-up opens a new session. The old session continues for the handover, and ends at the first
// slide of the new session after the handover.
func TestOpaqueStepUp(t *testing.T) {
	h := newTestManager(t)
	old := h.opaqueLogin(t)
	h.now = h.now.Add(time.Hour)
	next, err := h.StepUp(t.Context(), old.Session.ID, h.opening(auth.Balanced))
	if err != nil {
		t.Fatal(err)
	}
	s := next.Session
	if s.Kind != session.OpaqueKind || s.ID == old.Session.ID || s.Replaces != old.Session.ID || next.SessionToken.Reveal() == "" || next.RefreshToken.Reveal() != "" {
		t.Fatalf("%+v", s)
	}
	both := func(what string, wantOld session.Outcome, ended int) {
		t.Helper()
		outcome, c := h.opaque(t, next.SessionToken)
		if outcome != "" || len(c.Ended) != ended {
			t.Errorf("%s: the new session: %s, ended %v", what, outcome, c.Ended)
		}
		outcome, _ = h.opaque(t, old.SessionToken)
		want(t, what+": the old session", outcome, wantOld)
	}
	both("at once", "", 0)
	h.now = h.now.Add(handover - time.Millisecond)
	both("in the handover", "", 0)
	h.now = h.now.Add(time.Millisecond)
	both("after it, but used within the minute", "", 0)
	h.now = h.now.Add(time.Minute)
	both("at the first slide after it", session.OutcomeRevoked, 1)
	h.now = h.now.Add(time.Minute)
	both("later", session.OutcomeRevoked, 0)
	if o, err := h.store.Get(t.Context(), old.Session.Key); err != nil || o.Revocation == nil || o.Revocation.Reason != session.RevocationStepUp {
		t.Errorf("the old session is %+v, %v", o.Revocation, err)
	}
}

// If the replaced session cannot be ended, the request passes, and a later use ends the session.
func TestOpaqueStepUpEndFails(t *testing.T) {
	h := newTestManager(t)
	old := h.opaqueLogin(t)
	next, err := h.StepUp(t.Context(), old.Session.ID, h.opening(auth.Balanced))
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(handover)
	h.store.fail = func(int32) error { return auth.ErrUnavailable }
	outcome, c := h.opaque(t, next.SessionToken)
	if outcome != "" || c.SlideErr == nil || len(c.Ended) != 0 {
		t.Errorf("%s, %v, %v", outcome, c.SlideErr, c.Ended)
	}
	h.store.fail = nil
	if outcome, c = h.opaque(t, next.SessionToken); outcome != "" || c.SlideErr != nil || !slices.Equal(c.Ended, []session.Key{old.Session.Key}) {
		t.Errorf("%s, %v, %v", outcome, c.SlideErr, c.Ended)
	}
}

// A step-up whose answer is lost ends nothing: the browser continues with its old token.
func TestOpaqueStepUpWithLostAnswerEndsNothing(t *testing.T) {
	h := newTestManager(t)
	old := h.opaqueLogin(t)
	for range 3 {
		if _, err := h.StepUp(t.Context(), old.Session.ID, h.opening(auth.Balanced)); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			h.now = h.now.Add(time.Minute)
			if outcome, c := h.opaque(t, old.SessionToken); outcome != "" || len(c.Ended) != 0 {
				t.Fatalf("after %v: %s, %v", h.now.Sub(epoch), outcome, c.Ended)
			}
		}
	}
}

// A logout of the new session also ends the session that it replaces.
func TestLogoutOpaque(t *testing.T) {
	h := newTestManager(t)
	old := h.opaqueLogin(t)
	next, err := h.StepUp(t.Context(), old.Session.ID, h.opening(auth.Balanced))
	if err != nil {
		t.Fatal(err)
	}
	another := auth.ClientID("another")
	if _, err := h.LogoutOpaque(t.Context(), next.SessionToken, &another); !errors.Is(err, session.ErrForeignClient) {
		t.Errorf("by another client: %v", err)
	}
	e, err := h.LogoutOpaque(t.Context(), next.SessionToken, nil)
	if err != nil || e.Outcome != session.OutcomeLoggedOut || !slices.Equal(e.Replaced, []session.Key{old.Session.Key}) {
		t.Errorf("%+v, %v", e, err)
	}
	for _, text := range []auth.Secret{old.SessionToken, next.SessionToken} {
		outcome, _ := h.opaque(t, text)
		want(t, "after the logout", outcome, session.OutcomeRevoked)
	}
	for name, text := range opaqueJunk(t) {
		writes := h.store.updates.Load()
		if e, err := h.LogoutOpaque(t.Context(), auth.NewSecret(text), nil); err != nil || e.Outcome != session.OutcomeForged || h.store.updates.Load() != writes {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	e, err = h.LogoutOpaque(t.Context(), auth.NewSecret(opaqueText(t, aUUID, aSecret)), nil)
	if err != nil || e.Outcome != session.OutcomeMissing {
		t.Errorf("a token that was made up: %+v, %v", e, err)
	}
}
