package session_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

var (
	berlin = session.PlaceOf(52.5, 13.4)
	tokyo  = session.PlaceOf(35.7, 139.7)
	home   = session.Visit{Address: netip.MustParseAddr("198.51.100.7"), UserAgent: firefox, Country: "DE", Place: berlin}
)

// visit returns the visit from home with a change.
func visit(change func(*session.Visit)) session.Visit {
	v := home
	change(&v)
	return v
}

func from(address string) session.Visit {
	return visit(func(v *session.Visit) { v.Address = netip.MustParseAddr(address) })
}

func (h *testManager) openAt(t *testing.T, profile auth.Profile, v session.Visit) session.Granted {
	t.Helper()
	g, err := h.Open(t.Context(), session.Opening{
		Subject: h.users.subject, AuthTime: h.now, Visit: v,
		Client: auth.Client{ID: "web", Profile: profile, IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 90 * 24 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestSignals checks the signals of each change of a visit, an hour and a minute after the login.
func TestSignals(t *testing.T) {
	all := func(s ...auth.Signal) []auth.Signal { return s }
	for _, row := range []struct {
		name         string
		now          session.Visit
		soon, hourly []auth.Signal
	}{
		{"nothing", home, nil, nil},
		{"another address of the /24", from("198.51.100.200"), nil, nil},
		{"another /24", from("198.51.101.7"), all(auth.NetworkChanged, auth.TwoNetworks), all(auth.NetworkChanged)},
		{"the same address, mapped", from("::ffff:198.51.100.7"), nil, nil},
		{"the other family", from("2001:db8:1::1"), all(auth.NetworkChanged), all(auth.NetworkChanged)},
		{"an unknown address", session.Visit{UserAgent: firefox, Country: "DE", Place: berlin}, nil, nil},
		{"a new version of the program", visit(func(v *session.Visit) {
			v.UserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
		}), nil, nil},
		{"another program", visit(func(v *session.Visit) { v.UserAgent = "curl/8.1" }), all(auth.UserAgentChanged), all(auth.UserAgentChanged)},
		{"an unknown program", visit(func(v *session.Visit) { v.UserAgent = "" }), nil, nil},
		{"no letters", visit(func(v *session.Visit) { v.UserAgent = "-" }), all(auth.UserAgentChanged), all(auth.UserAgentChanged)},
		{"digits alone", visit(func(v *session.Visit) { v.UserAgent = "140" }), all(auth.UserAgentChanged), all(auth.UserAgentChanged)},
		{"another country", visit(func(v *session.Visit) { v.Country = "FR" }), all(auth.CountryChanged), all(auth.CountryChanged)},
		{"a country that the CDN does not name", visit(func(v *session.Visit) { v.Country = session.UnknownCountry }), all(auth.CountryChanged), all(auth.CountryChanged)},
		{"no CDN", visit(func(v *session.Visit) { v.Country, v.Place = "", 0 }), nil, nil},
		{"a town nearby", visit(func(v *session.Visit) { v.Place = session.PlaceOf(53.5, 10) }), nil, nil},
		{"another continent", visit(func(v *session.Visit) { v.Place = tokyo }), all(auth.ImpossibleTravel), all(auth.ImpossibleTravel)},
	} {
		t.Run(row.name, func(t *testing.T) {
			for after, want := range map[time.Duration][]auth.Signal{time.Minute: row.soon, time.Hour: row.hourly} {
				h := newTestManager(t)
				g := h.openAt(t, auth.Balanced, home)
				h.now = h.now.Add(after)
				next, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Visit: row.now})
				if err != nil || !slices.Equal(next.Signals, want) {
					t.Errorf("after %v: %v, %v; want %v", after, next.Signals, err, want)
				}
			}
		})
	}
	h := newTestManager(t)
	g := h.openAt(t, auth.Balanced, home)
	h.now = h.now.Add(11 * time.Hour)
	next, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Visit: visit(func(v *session.Visit) { v.Place = tokyo })})
	if err != nil || next.Signals != nil {
		t.Errorf("a flight of 11 hours: %v, %v", next.Signals, err)
	}
}

// TestRemembered: a network is unusual only once. A session of an earlier version has no trace, so
// a request cannot contradict it.
func TestRemembered(t *testing.T) {
	h := newTestManager(t)
	g := h.openAt(t, auth.Balanced, home)
	office := from("203.0.113.9")
	for i, row := range []struct {
		at   session.Visit
		want []auth.Signal
	}{{home, nil}, {office, []auth.Signal{auth.NetworkChanged}}, {home, nil}, {office, nil}, {session.Visit{}, nil}} {
		h.now = h.now.Add(time.Hour)
		next, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Visit: row.at})
		if err != nil || !slices.Equal(next.Signals, row.want) {
			t.Fatalf("refresh %d: %v, %v; want %v", i, next.Signals, err, row.want)
		}
		g = next
	}
	if got := g.Session.Signals(); !slices.Equal(got, []auth.Signal{auth.NetworkChanged}) {
		t.Errorf("the session shows %v", got)
	}
	g = h.openAt(t, auth.Balanced, session.Visit{})
	h.now = h.now.Add(time.Minute)
	if next, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Visit: home}); err != nil || next.Signals != nil || next.Session.Signals() != nil {
		t.Errorf("without a trace: %v, %v", next.Signals, err)
	}
}

// TestReauthOn: a client that asks for a login gets the same refusal each time it repeats the
// request. Nothing is written, and the session continues at its known place.
func TestReauthOn(t *testing.T) {
	for _, profile := range []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed} {
		t.Run(profile.String(), func(t *testing.T) {
			h := newTestManager(t)
			m, err := session.NewManager(session.Config{
				Store: h.store, Subjects: h.users, Keys: codec.Keys, Now: func() time.Time { return h.now },
				ReauthOn: map[auth.Signal][]auth.ClientID{auth.NetworkChanged: {"other", "web"}, auth.UserAgentChanged: {"other"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			h.Manager = m
			g := h.openAt(t, profile, home)
			h.now = h.now.Add(time.Hour)
			before, err := h.store.Get(t.Context(), g.Session.Key)
			if err != nil {
				t.Fatal(err)
			}
			away := from("203.0.113.9")
			for range 3 {
				_, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Visit: away})
				refusal, ok := errors.AsType[*session.Refusal](err)
				if !ok || !errors.Is(err, session.ErrReauth) || errors.Is(err, session.ErrEnded) || refusal.Outcome != session.OutcomeReauth ||
					!slices.Equal(refusal.Signals, []auth.Signal{auth.NetworkChanged}) || refusal.Client != "web" {
					t.Fatalf("%+v, %v", refusal, err)
				}
			}
			if after, err := h.store.Get(t.Context(), g.Session.Key); err != nil || after.Generation != before.Generation || after.Trace != before.Trace || after.LastSeen != before.LastSeen {
				t.Errorf("the refusals have written: %+v, %v", after, err)
			}
			// A signal that this client only logs, from the place of the session.
			next, err := h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Visit: visit(func(v *session.Visit) { v.UserAgent = "curl" })})
			if err != nil || !slices.Equal(next.Signals, []auth.Signal{auth.UserAgentChanged}) {
				t.Fatalf("back at home: %v, %v", next.Signals, err)
			}
			// A login at the new place opens a session that knows this place, and keeps what the
			// old session knew.
			g, err = h.StepUp(t.Context(), g.Session.ID, session.Opening{Subject: h.users.subject, AuthTime: h.now, Visit: away,
				Client: auth.Client{ID: "web", Profile: profile, IdleTimeout: 14 * 24 * time.Hour, AbsoluteTimeout: 90 * 24 * time.Hour}})
			for _, v := range []session.Visit{away, home} {
				h.now = h.now.Add(time.Hour)
				if err == nil {
					g, err = h.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Visit: v})
				}
				if err != nil || g.Signals != nil {
					t.Fatalf("after the step-up: %v, %v", g.Signals, err)
				}
			}
		})
	}
}

// TestTheftBeforeReauth: a copy that is used from another place ends the session, as it does
// without ReauthOn.
func TestTheftBeforeReauth(t *testing.T) {
	h := newTestManager(t)
	m, err := session.NewManager(session.Config{
		Store: h.store, Subjects: h.users, Keys: codec.Keys, Now: func() time.Time { return h.now },
		ReauthOn: map[auth.Signal][]auth.ClientID{auth.NetworkChanged: {"web"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	stolen := h.openAt(t, auth.Balanced, home)
	g := stolen
	for range 2 {
		h.now = h.now.Add(time.Hour)
		if g, err = m.Refresh(t.Context(), session.Request{RefreshToken: g.RefreshToken, Visit: home}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = m.Refresh(t.Context(), session.Request{RefreshToken: stolen.RefreshToken, Visit: from("203.0.113.9")})
	if refusal, ok := errors.AsType[*session.Refusal](err); !ok || !refusal.Outcome.Theft() || !slices.Equal(refusal.Signals, []auth.Signal{auth.NetworkChanged, auth.TwoNetworks}) {
		t.Errorf("%+v", refusal)
	}
}

func TestPlaceOf(t *testing.T) {
	for _, row := range []struct{ latitude, longitude float64 }{{90, 180}, {-90, -180}, {0, 0}, {-89.6, 179.6}} {
		if session.PlaceOf(row.latitude, row.longitude) == 0 {
			t.Errorf("%v is no place", row)
		}
	}
	if session.PlaceOf(0, 180) != session.PlaceOf(0, -180) {
		t.Error("the date line has two places")
	}
	for _, row := range []struct{ latitude, longitude float64 }{{90.1, 0}, {0, 180.1}, {nan(), 0}, {0, nan()}} {
		if p := session.PlaceOf(row.latitude, row.longitude); p != 0 {
			t.Errorf("%v is the place %d", row, p)
		}
	}
}

func nan() float64 { zero := 0.0; return zero / zero }
