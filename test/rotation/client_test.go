package rotation

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/keyring"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	// life is how long an access token lives, of which its issuer takes off up to a twentieth. Clients use theirs until
	// goodFor, which is a little less for the clocks' sake, and what they do never depends on what was taken off.
	life    = service.DefaultAccessTokenLifetime
	goodFor = life * 94 / 100
	// longEnded is when no leeway and no clock makes an access token good any more.
	longEnded = life + time.Minute

	longestLeg = 40 * time.Second // of a request or of an answer
	retryAfter = 3 * time.Second  // a 503
)

// passwordCost is far below what a password needs: hashes would take half of the time, and nothing here is about them.
var passwordCost = password.Cost{MemoryKiB: 8, Passes: 1, Lanes: 1}

// passwordHash is every user's at first.
var passwordHash = sync.OnceValue(func() auth.Secret {
	salt := make([]byte, 16)
	tag := argon2.IDKey([]byte(passwordOf(0)), salt, passwordCost.Passes, passwordCost.MemoryKiB, passwordCost.Lanes, 32)
	encode := base64.RawStdEncoding.EncodeToString
	return auth.NewSecret("$argon2id$v=19$" + passwordCost.String() + "$" + encode(salt) + "$" + encode(tag))
})

func passwordOf(changes int) string { return fmt.Sprint("correct horse battery staple ", changes) }

// client is an application with one token store.
type client struct {
	w        *world
	id       int
	profile  auth.Profile
	steady   bool // never idle
	changes  int  // of its password
	ends     time.Time
	asleep   time.Time // since when it is idle; zero while it is not
	received int       // answers with tokens
	plan     int       // counts what it has planned: the latest is what it does
	waiting  int       // refreshes under way

	// The store.
	access  *access
	refresh string
}

func (c *client) String() string { return fmt.Sprintf("client %d (%s)", c.id, c.profile) }

// access is an access token, as whoever holds it could know it.
type access struct {
	text, kid string
	client    *client
	ends      time.Time // goodFor after it was issued
}

func (w *world) addClients(n int) {
	w.t.Helper()
	for i := range n {
		c := &client{w: w, id: i, steady: i == 0}
		if i%4 == 3 {
			c.profile = profiles[1+i/4%2]
		} else {
			c.profile = auth.Balanced
		}
		u := user.User{
			ID:    auth.SubjectID(fmt.Sprintf("1b671a64-40d5-491e-99b0-%012d", i)),
			Email: c.email(), Password: passwordHash(), Revision: 1, CreatedAt: begin,
		}
		if err := w.stores.Users.Create(w.t.Context(), u, string(u.ID)); err != nil {
			w.t.Fatal(err)
		}
		w.clients = append(w.clients, c)
		w.after(w.between(time.Minute, 2*time.Hour), c.login)
	}
}

func (c *client) email() string { return fmt.Sprintf("user%d@example.com", c.id) }

// send sends a request with a body of JSON.
func (c *client) send(function, path string, body map[string]string) *httptest.ResponseRecorder {
	c.w.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.w.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(c.w.t.Context(), http.MethodPost, path, strings.NewReader(string(text)))
	r.RemoteAddr = fmt.Sprintf("192.0.2.%d:443", c.id)
	r.Header.Set("Content-Type", "application/json")
	if c.access != nil && path == "/auth/password" {
		r.Header.Set("Authorization", "Bearer "+c.access.text)
	}
	answer := httptest.NewRecorder()
	c.w.instance(function).http.ServeHTTP(answer, r)
	if answer.Code == http.StatusServiceUnavailable {
		c.w.count[unavailable]++
	}
	return answer
}

func (c *client) login() {
	w := c.w
	name := clientOf(c.profile).ID
	answer := c.send("login", "/auth/login", map[string]string{
		"email": c.email(), "password": passwordOf(c.changes), "client_id": string(name),
	})
	switch answer.Code {
	case http.StatusOK:
		w.count[logins]++
		c.ends = w.now.Add(w.between(time.Hour, 5*time.Hour))
		c.receive(c.read(answer))
	case http.StatusServiceUnavailable:
		w.after(retryAfter, c.login)
	default:
		w.t.Errorf("%s: a login is answered %d %s", c, answer.Code, answer.Body)
	}
}

// tokens are what an answer holds.
type tokens struct {
	*access
	refresh string
}

// read reads an answer with tokens.
func (c *client) read(answer *httptest.ResponseRecorder) tokens {
	w := c.w
	w.t.Helper()
	var body struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expires int    `json:"expires_in"`
	}
	var header struct{ KID string }
	err := json.Unmarshal(answer.Body.Bytes(), &body)
	if err == nil {
		var raw []byte
		encoded, _, _ := strings.Cut(body.Access, ".")
		if raw, err = base64.RawURLEncoding.DecodeString(encoded); err == nil {
			err = json.Unmarshal(raw, &header)
		}
	}
	lives := time.Duration(body.Expires) * time.Second
	if err != nil || header.KID == "" || lives < goodFor || lives > life {
		w.t.Fatalf("%s: %v in %s", c, err, answer.Body)
	}
	if _, seen := w.first[header.KID]; !seen {
		w.first[header.KID] = w.now
	}
	a := &access{body.Access, header.KID, c, w.now.Add(goodFor)}
	w.issued = append(w.issued, a)
	return tokens{a, body.Refresh}
}

// receive takes what arrives into the store. An answer without a refresh token leaves the one that is there.
func (c *client) receive(x tokens) {
	w := c.w
	c.received++
	c.access = x.access
	if x.refresh != "" {
		c.refresh = x.refresh
	}
	if !c.asleep.IsZero() {
		return // it came late, and nobody is there
	}
	x.access.planUse()
	c.plan++
	plan := c.plan
	w.at(x.ends.Add(-w.between(life/25, life*4/10)), func() {
		if c.plan == plan {
			c.goOn()
		}
	})
}

// planUse uses an access token at once, some time later, and just before its end, also where it was refreshed by then.
func (a *access) planUse() {
	w := a.client.w
	left := a.ends.Sub(w.now)
	w.after(0, a.use)
	w.after(w.between(0, left), a.use)
	w.after(left, a.use)
	if w.percent(10) {
		w.at(a.ends.Add(longEnded-goodFor), a.useTooLate)
	}
}

// goOn is what a client does before its access token ends.
func (c *client) goOn() {
	w := c.w
	switch {
	case w.now.After(c.ends) && !c.steady:
		c.idle()
	case c.waiting == 0 && w.now.Before(c.access.ends) && w.random.IntN(400) == 0:
		c.changePassword()
	default:
		c.renew()
	}
}

// idle waits until something happens, which may take days.
func (c *client) idle() {
	w := c.w
	var next []time.Time
	for _, at := range w.expected {
		if at.After(w.now) && at.Before(w.now.Add(12*24*time.Hour)) {
			next = append(next, at)
		}
	}
	if w.percent(70) {
		next = next[:min(2, len(next))]
	}
	back := w.now.Add(w.between(time.Hour, 24*time.Hour))
	if len(next) > 0 {
		back = next[w.random.IntN(len(next))].Add(w.between(-time.Hour, 15*time.Minute))
	}
	if !back.After(w.now) {
		back = w.now.Add(w.between(0, time.Hour))
	}
	c.asleep = w.now
	w.at(back, func() {
		if w.now.Sub(c.asleep) > 24*time.Hour {
			w.count[longIdle]++
		}
		c.asleep = time.Time{}
		c.ends = w.now.Add(w.between(time.Hour, 5*time.Hour))
		c.renew()
	})
}

// renew refreshes. Clients of the strict profile ask once and lose no answer, as that profile demands; the others may
// ask several times, with what they hold at the time, and lose some of the answers or all.
func (c *client) renew() {
	w := c.w
	copies, loss := 1, 0
	if c.profile != auth.Strict && w.percent(20) {
		copies, loss = 1+w.random.IntN(3), 30
	}
	c.plan++
	before, leg := c.received, time.Second
	if w.percent(10) {
		leg = longestLeg
	}
	for i := range copies {
		sent := time.Duration(0)
		if i > 0 {
			sent = w.between(0, 20*time.Second)
			w.count[duplicates]++
		}
		there, backAgain, isLost := w.between(0, leg), w.between(0, leg), w.percent(loss)
		c.waiting++
		w.after(sent, func() {
			held := c.refresh
			w.after(there, func() {
				answer, done := c.present(held)
				w.after(backAgain, func() {
					c.waiting--
					switch {
					case isLost:
						w.count[lost]++
					case done:
						c.receive(answer)
					}
				})
			})
		})
	}
	plan := c.plan
	w.after(20*time.Second+2*leg+retryAfter, func() {
		if c.received == before && c.plan == plan {
			c.renew()
		}
	})
}

// present presents a refresh token to whichever function answers, and reports whether there are tokens.
func (c *client) present(refresh string) (tokens, bool) {
	w := c.w
	body := map[string]string{"refresh_token": refresh}
	answer := c.send("refresh", "/auth/refresh", body)
	switch answer.Code {
	case http.StatusOK:
		w.count[refreshes]++
		switch ahead := int(keyID(refresh)) - int(w.answered.version); {
		case ahead > 0:
			w.count[refreshAhead]++
		case ahead == 0:
			w.count[refreshSame]++
		case ahead == -1:
			w.count[refreshBehind]++
		default:
			w.count[refreshOlder]++
		}
		return c.read(answer), true
	case http.StatusServiceUnavailable:
		return tokens{}, false
	}
	var problem struct{ Terminal bool }
	if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || !problem.Terminal {
		w.t.Errorf("%s: a refresh is answered %d %s", c, answer.Code, answer.Body)
		return tokens{}, false
	}
	w.ended = append(w.ended, refusal{at: w.now, by: fmt.Sprintf("refresh of version %d", w.answered.version), client: c,
		version: keyID(refresh), why: strings.TrimSpace(answer.Body.String())})
	c.plan++
	plan := c.plan
	w.after(time.Minute, func() {
		if c.plan == plan {
			c.login()
		}
	})
	return tokens{}, false
}

// keyID reads which key a refresh token was sealed with: the third and fourth byte.
func keyID(refresh string) keyring.Version {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(refresh, "ert_"))
	if err != nil || len(raw) < 4 {
		return 0
	}
	return binary.BigEndian.Uint16(raw[2:])
}

// changePassword takes an access token to the function that checks it by its own ring, and goes on in a new session.
func (c *client) changePassword() {
	w := c.w
	answer := c.send("account", "/auth/password", map[string]string{
		"current_password": passwordOf(c.changes), "new_password": passwordOf(c.changes + 1),
	})
	switch answer.Code {
	case http.StatusOK:
		w.count[passwordChanges]++
		c.changes++
		c.receive(c.read(answer))
	case http.StatusServiceUnavailable:
		w.after(retryAfter, c.renew)
	default:
		by := fmt.Sprintf("account of version %d", w.answered.version)
		w.refuse(by, c.access, fmt.Sprint(answer.Code, " ", answer.Body))
		w.after(retryAfter, c.renew)
	}
}

// use shows an access token to our authorizer, or to somebody else's verifier.
func (a *access) use() {
	if by, why := a.show(); why != "" {
		a.client.w.refuse(by, a, why)
		a.client.afterRefusal(a)
	}
}

// useTooLate must be refused, or refusals would not be seen.
func (a *access) useTooLate() {
	w := a.client.w
	by, why := a.show()
	if why == "" {
		w.t.Errorf("%s takes a token of %s that has ended", by, a.client)
	}
	if strings.HasSuffix(why, string(token.Expired)) {
		w.count[endedTokens]++
	}
}

func (a *access) show() (by, why string) {
	w := a.client.w
	w.t.Helper()
	if w.percent(40) {
		v := w.verifiers[w.random.IntN(len(w.verifiers))]
		return v.name, v.check(a)
	}
	i := w.instance("authorizer")
	why, err := i.authorize(w.t.Context(), a.text)
	if err != nil {
		w.t.Fatal(err)
	}
	if why == "" {
		switch ahead := int(w.versionOf[a.kid]) - int(i.version); {
		case ahead > 0:
			w.count[accessAhead]++
		case ahead == 0:
			w.count[accessSame]++
		default:
			w.count[accessBehind]++
		}
	}
	return fmt.Sprintf("authorizer of version %d", i.version), why
}

func (w *world) refuse(by string, a *access, why string) {
	w.refused = append(w.refused, refusal{w.now, by, a.client, a.kid, w.versionOf[a.kid], why})
}

// afterRefusal is what clients do where an access token is refused: they refresh once.
func (c *client) afterRefusal(a *access) {
	if c.access == a && c.waiting == 0 && c.asleep.IsZero() {
		c.renew()
	}
}

// renewOnce refreshes what is in the store, also of a client that is idle, when nothing else is under way.
func (c *client) renewOnce() {
	if c.waiting > 0 {
		c.w.after(time.Minute, c.renewOnce)
		return
	}
	c.renew()
}
