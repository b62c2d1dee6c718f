package endpoint_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
)

const cdnSecret = "a secret of the CDN"

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// viewed adds the headers of a CDN to a request.
func viewed(raw, secret, address, country, latitude, longitude string) string {
	return strings.Replace(raw, "\n\n", "\nX-Edgeauth-Cdn-Secret: "+secret+"\nCloudFront-Viewer-Address: "+address+"\nCloudFront-Viewer-Country: "+country+
		"\nCloudFront-Viewer-Latitude: "+latitude+"\nCloudFront-Viewer-Longitude: "+longitude+"\n\n", 1)
}

// signalled returns the signals of the last audit line.
func (h *harness) signalled(t testing.TB) (signals string) {
	t.Helper()
	var line struct{ Signals []string }
	if err := json.Unmarshal(h.log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for _, s := range line.Signals {
		if h.metrics["signal_"+s] != 1 {
			t.Errorf("the metrics of %s: %v", s, h.metrics)
		}
	}
	return strings.Join(line.Signals, " ")
}

// TestCDN: the headers of a CDN count only with its secret.
func TestCDN(t *testing.T) {
	withCDN := func(s *service.Settings) { s.CDNSecretHashes = []string{hashOf(cdnSecret), hashOf("the next one")} }
	const tokyo, v4, v6 = "35.6/139.7", "198.51.100.10:46532", "2001:db8:85a3:1:2:8a2e:370:7334:443"
	for _, row := range []struct {
		name                              string
		setting                           func(*service.Settings)
		secret, address, country, degrees string
		want, shown                       string
	}{
		{"the same viewer", withCDN, cdnSecret, v4, "DE", "52.5/13.4", "", ""},
		{"the next secret", withCDN, "the next one", v4, "DE", "52.5/13.4", "", ""},
		{"far away", withCDN, cdnSecret, "203.0.113.1:1", "JP", tokyo, "network_changed country_changed impossible_travel", "network_changed country_changed"},
		{"IPv6 without brackets", withCDN, cdnSecret, v6, "DE", "52.5/13.4", "network_changed", "network_changed"},
		{"a wrong secret", withCDN, cdnSecret + "x", v4, "DE", "52.5/13.4", "network_changed country_changed", "network_changed country_changed"},
		{"no secret", withCDN, "", v4, "DE", "52.5/13.4", "network_changed country_changed", "network_changed country_changed"},
		{"headers that are none", withCDN, cdnSecret, "somewhere", "Germany", "north/NaN", "country_changed", "country_changed"},
		{"places that are none", withCDN, cdnSecret, "[::1%eth0]:1", "D1", "1e309/-181", "network_changed country_changed", "network_changed country_changed"},
		{"no CDN is configured", func(*service.Settings) {}, cdnSecret, "203.0.113.1:1", "JP", tokyo, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHarness(t, row.setting)
			_, refresh := h.send(t, viewed(loginJSON+credentials, cdnSecret, v4, "DE", "52.5", "13.4")).tokens(t)
			h.clock.Advance(time.Hour)
			north, east, _ := strings.Cut(row.degrees, "/")
			got := h.send(t, viewed(formOf(refresh, ""), row.secret, row.address, row.country, north, east))
			if got.line != "session_renewed rotated" || h.signalled(t) != row.want {
				t.Errorf("%s: %q, want %q", got.line, h.signalled(t), row.want)
			}
			access, _ := got.tokens(t)
			if list := h.sessionsOf(t, access); strings.Join(list, " ") != row.shown {
				t.Errorf("the list shows %q, want %q", list, row.shown)
			}
		})
	}
}

// sessionsOf returns the signals of the only session in the list.
func (h *harness) sessionsOf(t testing.TB, access string) []string {
	t.Helper()
	var l struct{ Sessions []struct{ Signals []string } }
	if err := json.Unmarshal([]byte(h.send(t, asking("GET /auth/sessions", access)).body), &l); err != nil || len(l.Sessions) != 1 || l.Sessions[0].Signals == nil {
		t.Fatalf("%+v, %v", l, err)
	}
	return l.Sessions[0].Signals
}

// TestReauthOn: a client that asks for a login keeps its session, and continues with the new login.
func TestReauthOn(t *testing.T) {
	h := newHarness(t, func(s *service.Settings) { s.Client.ReauthOn = []auth.Signal{auth.UserAgentChanged} })
	as := func(raw, program string) string {
		return strings.Replace(raw, "\n\n", "\nUser-Agent: "+program+"\n\n", 1)
	}
	access, refresh := h.send(t, as(loginJSON+credentials, "Firefox/140.0")).tokens(t)
	sid := h.sid(t, access)
	h.clock.Advance(10 * time.Minute)
	const want = `401 Www-Authenticate: Bearer error="insufficient_user_authentication" {"error":"insufficient_user_authentication",` +
		`"error_description":"the request comes from a network, program or country that the session does not know; log in again","terminal":false}`
	for range 2 {
		got := h.send(t, as(formOf(refresh, ""), "curl/8"))
		if got.text != want || got.sid != sid || got.line != "session_renew_fail reauth" || h.signalled(t) != "user_agent_changed" || h.metrics["refresh_reauth"] != 1 || h.metrics["false_logout_candidates"] != 0 {
			t.Fatalf("%s\nlogged as %s, %v", got.text, got.line, h.metrics)
		}
	}
	// A thief without a User-Agent is not taken for the user.
	for _, raw := range []string{formOf(refresh, ""), as(formOf(refresh, ""), ""), as(formOf(refresh, ""), "140")} {
		if got := h.send(t, raw); got.line != "session_renew_fail reauth" {
			t.Errorf("without a program: %s", got.line)
		}
	}
	// An opaque session has no refreshes, so a client with ReauthOn must not open one.
	opaque := strings.Replace(credentials, "{", `{"delivery":"session",`, 1)
	if got := h.send(t, inHead(loginJSON+opaque, ownPage)); got.text != invalid("delivery must be body, cookie or cookies for this client") {
		t.Errorf("a login for an opaque session: %s", got.text)
	}
	next, _ := h.send(t, as(reauthOf(access, reauthBody), "curl/8")).tokens(t)
	h.clock.Advance(time.Minute)
	if got := h.send(t, as(formOf(refresh, ""), "Firefox/141.0")); got.line != "session_renewed same" || !slices.Contains(h.sessionsOf(t, next), "user_agent_changed") {
		t.Errorf("the session before the login: %s", got.line)
	}
}
