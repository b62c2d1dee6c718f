package keyrings_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

var instant = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

func clock() time.Time { return instant }

func signingRing(t testing.TB) keyrings.Ring {
	t.Helper()
	r, err := keyrings.NewSigningRing(token.EdDSA, instant, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func refreshRing(t testing.TB) keyrings.Ring {
	t.Helper()
	r, err := keyrings.NewRefreshRing(instant, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func loginRing(t testing.TB) keyrings.Ring {
	t.Helper()
	r, err := keyrings.NewLoginRing(instant, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(t testing.TB, r keyrings.Ring) string {
	t.Helper()
	s, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

func TestFirstRings(t *testing.T) {
	for _, r := range []keyrings.Ring{signingRing(t), refreshRing(t), loginRing(t)} {
		second := instant.Truncate(time.Second)
		if r.Serial != 1 || !slices.Equal(r.Versions(), []uint16{1, 2}) || r.Current() != 1 {
			t.Errorf("%s: %+v", r.Kind, r)
		}
		one, two := r.Keys[1], r.Keys[2]
		if !one.SigningSince.Equal(second) || !two.SigningSince.IsZero() || !two.Created.Equal(second) {
			t.Errorf("%s: %+v", r.Kind, r)
		}
	}
}

func TestTextRoundTrip(t *testing.T) {
	for _, r := range []keyrings.Ring{signingRing(t), refreshRing(t), loginRing(t)} {
		r, err := r.Sign(2, instant.Add(time.Hour)) // so that each time in the text is set
		if err != nil {
			t.Fatal(err)
		}
		again, err := keyrings.Parse(r.Kind, auth.NewSecret(text(t, r)))
		if err != nil {
			t.Fatal(err)
		}
		if once, twice := text(t, r), text(t, again); once != twice {
			t.Errorf("%s became %s", once, twice)
		}
		retired := instant.Add(time.Hour).Truncate(time.Second)
		if again.Serial != 2 || again.Current() != 2 || !again.Keys[1].Retired.Equal(retired) {
			t.Errorf("%+v", again)
		}
	}
	r := refreshRing(t)
	again, err := keyrings.Parse(r.Kind, auth.NewSecret(text(t, r)))
	secret := again.Keys[1].Secret
	if err != nil || len(secret.Reveal()) != auth.KeyBytes || !secret.Equal(r.Keys[1].Secret) {
		t.Errorf("%v", err)
	}
}

func TestTextOfARing(t *testing.T) {
	r, err := keyrings.NewRefreshRing(instant, strings.NewReader(strings.Repeat("k", 32)+strings.Repeat("l", 32)))
	if err != nil {
		t.Fatal(err)
	}
	keys := `"serial":1,"keys":{` +
		`"1":{"secret":"a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s","created":"2026-01-02T03:04:05Z",` +
		`"signing_since":"2026-01-02T03:04:05Z"},` +
		`"2":{"secret":"bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw","created":"2026-01-02T03:04:05Z"}}}`
	if got, want := text(t, r), `{"v":1,`+keys; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r.Kind = keyrings.LoginRing
	if got, want := text(t, r), `{"v":1,"kind":"login",`+keys; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	signing, refresh, logins := text(t, signingRing(t)), text(t, refreshRing(t)), text(t, loginRing(t))
	other := signingRing(t).Keys[1].Signing
	first := signingRing(t)
	kid := first.Keys[1].Signing.ID()
	own := text(t, first)
	for _, row := range []struct {
		name     string
		kind     keyrings.Kind
		text     string
		old, new string
		want     string
	}{
		{"nothing", keyrings.SigningRing, ``, ``, ``, "a JSON object"},
		{"half written", keyrings.SigningRing, signing[:len(signing)/2], ``, ``, "not valid JSON"},
		{"half written before the end", keyrings.SigningRing, signing[:len(signing)-1], ``, ``, "not valid JSON"},
		{"written twice", keyrings.RefreshRing, refresh + refresh, ``, ``, "follows"},
		{"too long", keyrings.RefreshRing, refresh + strings.Repeat(" ", 64<<10), ``, ``, "longer"},
		{"another form", keyrings.RefreshRing, refresh, `"v":1`, `"v":2`, "v must be 1"},
		{"no form", keyrings.RefreshRing, refresh, `"v":1,`, ``, "v must be 1"},
		{"no serial", keyrings.RefreshRing, refresh, `"serial":1,`, ``, "serial must be"},
		{"serial of zero", keyrings.RefreshRing, refresh, `"serial":1`, `"serial":0`, "serial must be"},
		{"unknown member", keyrings.RefreshRing, refresh, `"v":1`, `"v":1,"note":""`, "unknown member (want"},
		{"no keys", keyrings.RefreshRing, `{"v":1,"serial":1}`, ``, ``, "keys"},
		{"version zero", keyrings.RefreshRing, refresh, `"2":`, `"0":`, `a name is not a version`},
		{"version with a zero before", keyrings.RefreshRing, refresh, `"2":`, `"02":`, `a name is not a version`},
		{"version too large", keyrings.RefreshRing, refresh, `"2":`, `"65536":`, `a name is not a version`},
		{"version twice", keyrings.RefreshRing, refresh, `"2":`, `"1":`, "duplicate"},
		{"unknown member of a key", keyrings.RefreshRing, refresh, `"2":{`, `"2":{"alg":"x",`, `key "2": unknown member (want`},
		{"short secret", keyrings.RefreshRing, refresh, `"2":{"secret":"`,
			`"2":{"created":"2026-01-02T03:04:05Z","secret":"AAAA"},"3":{"secret":"`, "32 bytes"},
		{"secret with a line feed", keyrings.RefreshRing, refresh, `"2":{"secret":"`, `"2":{"secret":"\n`, "32 bytes"},
		{"time without zone", keyrings.RefreshRing, refresh, `05Z"}}}`, `05"}}}`, `key "2": created`},
		{"time in another zone", keyrings.RefreshRing, refresh, `05Z"}}}`, `05+01:00"}}}`, `key "2": created`},
		{"no time of creation", keyrings.RefreshRing, refresh,
			`,"created":"2026-01-02T03:04:05Z"}}}`, `}}}`, `key "2": created`},
		{"the other kind", keyrings.SigningRing, refresh, ``, ``, "unknown member (want"},
		{"the other kind, too", keyrings.RefreshRing, signing, ``, ``, "unknown member (want"},
		{"a login ring as refresh-token ring", keyrings.RefreshRing, logins, ``, ``, "unknown member (want"},
		{"a login ring as signing ring", keyrings.SigningRing, logins, ``, ``, "unknown member (want"},
		{"a refresh-token ring as login ring", keyrings.LoginRing, refresh, ``, ``, `kind must be "login"`},
		{"a signing ring as login ring", keyrings.LoginRing, signing, ``, ``, `kind must be "login"`},
		{"a login ring of another kind", keyrings.LoginRing, logins, `"kind":"login"`, `"kind":"Login"`, `kind must be "login"`},
		{"a login ring whose kind is a number", keyrings.LoginRing, logins, `"kind":"login"`, `"kind":1`, `kind must be "login"`},
		{"another kid", keyrings.SigningRing, own,
			`"1":{"kid":"` + kid, `"1":{"kid":"` + other.ID(), `key "1": kid must be ` + kid},
		{"another alg", keyrings.SigningRing, own,
			kid + `","alg":"EdDSA","jwk"`, kid + `","alg":"RS256","jwk"`, `key "1": alg must be EdDSA`},
		{"another alg in the jwk", keyrings.SigningRing, own,
			`"jwk":{"alg":"EdDSA"`, `"jwk":{"alg":"HS256"`, "alg must be EdDSA"},
		{"requests that are none", keyrings.RefreshRing, refresh, `"v":1`, `"v":1,"requests":[1]`, "requests"},
		{"dropped keys without a name", keyrings.SigningRing, signing, `"v":1`, `"v":1,"dropped":{}`, "dropped"},
		{"a purge of no version", keyrings.SigningRing, signing, `"v":1`, `"v":1,"purge":{"version":0}`, "purge: version"},
		{"an unknown member of a purge", keyrings.SigningRing, signing, `"v":1`, `"v":1,"purge":{"version":1,"x":1}`, "purge: unknown member (want"},
		{"a purge that lapsed some day", keyrings.SigningRing, signing,
			`"v":1`, `"v":1,"purge":{"version":1,"lapsed":"some day"}`, "purge: lapsed"},
		{"a published refresh-token key", keyrings.RefreshRing, refresh,
			`"2":{`, `"2":{"published":"2026-01-02T03:04:05Z",`, `key "2": unknown member (want`},
		{"no jwk", keyrings.SigningRing, own, `"jwk":`, `"secret":`, "unknown member (want"},
	} {
		changed := strings.Replace(row.text, row.old, row.new, 1)
		if changed == row.text && row.old != row.new {
			t.Fatalf("%s changed nothing", row.name)
		}
		_, err := keyrings.Parse(row.kind, auth.NewSecret(changed))
		if !errors.Is(err, keyrings.ErrMalformed) || !strings.Contains(err.Error(), row.want) ||
			!strings.HasPrefix(err.Error(), string(row.kind)) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestRotation(t *testing.T) {
	r := signingRing(t)
	step := func(next keyrings.Ring, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if next.Serial != r.Serial+1 {
			t.Errorf("serial %d follows %d", next.Serial, r.Serial)
		}
		r = next
	}
	day := 24 * time.Hour
	step(r.Add(3, token.ES256, instant.Add(day), rand.Reader))
	step(r.Sign(2, instant.Add(day)))
	if r.Current() != 2 || r.Keys[1].Retired.IsZero() || r.Keys[3].Signing.Algorithm() != token.ES256 {
		t.Errorf("forwards: %+v", r)
	}
	step(r.Sign(1, instant.Add(2*day)))
	if r.Current() != 1 || !r.Keys[1].Retired.IsZero() || r.Keys[2].Retired.IsZero() {
		t.Errorf("back: %+v", r)
	}
	before := r
	step(r.Drop(2), nil)
	if !slices.Equal(r.Versions(), []uint16{1, 3}) || !slices.Equal(before.Versions(), []uint16{1, 2, 3}) {
		t.Errorf("dropped: %v, before %v", r.Versions(), before.Versions())
	}
	if _, err := r.Sign(2, instant); !errors.Is(err, keyrings.ErrMalformed) {
		t.Errorf("a dropped key signs: %v", err)
	}
	if _, err := r.Add(1, token.ES256, instant, rand.Reader); err == nil {
		t.Error("a version was made twice")
	}
}

func TestPublicKeysAreThreeVersions(t *testing.T) {
	r := signingRing(t)
	for v := range uint16(3) {
		var err error
		if r, err = r.Add(v+3, token.EdDSA, instant, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range map[uint16][]uint16{1: {1, 2}, 2: {1, 2, 3}, 3: {2, 3, 4}, 5: {4, 5}} {
		set, err := r.PublicKeys(n)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range set.Keys() {
			got = append(got, k.ID())
		}
		var kids []string
		for _, v := range want {
			kids = append(kids, r.Keys[v].Signing.ID())
		}
		if !reflect.DeepEqual(got, kids) {
			t.Errorf("version %d: %v, want %v", n, got, kids)
		}
	}
	if _, err := r.PublicKeys(6); !errors.Is(err, keyrings.ErrMalformed) {
		t.Errorf("a version that is not there: %v", err)
	}
}

func TestRingsAreNeverPrinted(t *testing.T) {
	signing, refresh, logins := signingRing(t), refreshRing(t), loginRing(t)
	live, err := keyring.LoadSigning(t.Context(), keyrings.Inline(auth.NewSecret(text(t, signing))), 1, clock)
	if err != nil {
		t.Fatal(err)
	}
	sealing, err := keyring.LoadRefresh(t.Context(), keyrings.Inline(auth.NewSecret(text(t, refresh))), 1, clock)
	if err != nil {
		t.Fatal(err)
	}
	proving, err := keyring.LoadLogin(t.Context(), keyrings.Inline(auth.NewSecret(text(t, logins))), 1, clock)
	if err != nil {
		t.Fatal(err)
	}
	var jwk struct{ D string }
	if err := json.Unmarshal([]byte(signing.Keys[1].Signing.JWK().Reveal()), &jwk); err != nil {
		t.Fatal(err)
	}
	source := keyrings.Inline(auth.NewSecret(text(t, refresh)))
	material := refresh.Keys[1].Secret.Reveal()
	decimal := strings.Trim(fmt.Sprint([]byte(material)), "[]")
	other := logins.Keys[1].Secret.Reveal()
	forms := []string{other, fmt.Sprintf("%x", other), strings.Trim(fmt.Sprint([]byte(other)), "[]"), jwk.D, material, fmt.Sprintf("%x", material), decimal, `"kty"`}
	hidden := struct{ r keyrings.Ring }{signing}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{signing, &signing, refresh, &refresh, live, *live, sealing, *sealing, logins, &logins, proving, *proving, source, hidden} {
			for _, form := range forms {
				if got := fmt.Sprintf(verb, v); strings.Contains(got, form) {
					t.Errorf("%s of %T shows a key: %s", verb, v, got)
				}
			}
		}
	}
	for _, r := range []keyrings.Ring{signing, refresh} {
		got, err := json.Marshal(r)
		for _, form := range forms {
			if strings.Contains(string(got), form) || err != nil {
				t.Errorf("JSON shows a key: %s, %v", got, err)
			}
		}
	}
}

// If a change has no effect, Update does not save.
func TestUpdateWithoutAChange(t *testing.T) {
	source := keyrings.File(filepath.Join(t.TempDir(), "ring.json"))
	r := refreshRing(t)
	if err := keyrings.Save(t.Context(), source, r); err != nil {
		t.Fatal(err)
	}
	same := func(r keyrings.Ring) (keyrings.Ring, error) { return r, nil }
	got, err := keyrings.Update(t.Context(), source, keyrings.RefreshRing, same)
	if err != nil || text(t, got) != text(t, r) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A ring that is too large to be read again is not saved.
func TestOutgrownRingIsNotSaved(t *testing.T) {
	r := refreshRing(t)
	for v := range uint16(700) {
		var err error
		if r, err = r.Add(v+3, "", instant, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Text(); err == nil || !strings.Contains(err.Error(), "does not fit into the") {
		t.Error(err)
	}
}
