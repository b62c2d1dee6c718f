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

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	// life is the lifetime of an access token before the issuer subtracts up to 5 % of jitter.
	// Clients use a token for goodFor, which is shorter and leaves room for clock errors, so that a
	// client's plan does not depend on the jitter.
	life    = service.DefaultAccessTokenLifetime
	goodFor = life * 94 / 100
	// longEnded is the age at which a token is expired for every clock and leeway.
	longEnded = life + time.Minute

	longestLeg = 40 * time.Second // of a request or an answer
	retryAfter = 3 * time.Second  // after a 503
)

// passwordCost is far below a secure cost. Real hashes would take half the time of the test, which
// does not examine them.
var passwordCost = password.Cost{MemoryKiB: 8, Passes: 1, Lanes: 1}

// passwordHash is the hash of every user's first password.
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
	changes  int  // number of password changes
	ends     time.Time
	asleep   time.Time // since when the client is idle; zero if it is not
	received int       // number of answers with tokens
	plan     int       // number of the latest plan; only the latest is carried out
	waiting  int       // number of refreshes under way

	// The store.
	access  *access
	refresh string
	device  string // the known-device token; empty at first
}

func (c *client) String() string { return fmt.Sprintf("client %d (%s)", c.id, c.profile) }

// access is an access token, with what a holder can know of it.
type access struct {
	text, kid string
	client    *client
	ends      time.Time // goodFor after the issue time
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

// send sends a request with a JSON body.
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
	body := map[string]string{"email": c.email(), "password": passwordOf(c.changes), "client_id": string(name)}
	if c.device != "" {
		body["device_token"] = c.device
	}
	before := c.device
	answer := c.send("login", "/auth/login", body)
	switch answer.Code {
	case http.StatusOK:
		w.count[logins]++
		defer func() {
			if c.device == before {
				w.count[knownLogins]++
			}
		}()
		c.ends = w.now.Add(w.between(time.Hour, 5*time.Hour))
		c.receive(c.read(answer))
	case http.StatusServiceUnavailable:
		w.after(retryAfter, c.login)
	default:
		w.t.Errorf("%s: a login is answered %d %s", c, answer.Code, answer.Body)
	}
}

// tokens holds the content of an answer.
type tokens struct {
	*access
	refresh string
}

// read parses an answer with tokens.
func (c *client) read(answer *httptest.ResponseRecorder) tokens {
	w := c.w
	w.t.Helper()
	var body struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Device  string `json:"device_token"`
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
	if body.Device != "" {
		c.device = body.Device // of a login or a new password, whose answers are never late
	}
	if _, seen := w.first[header.KID]; !seen {
		w.first[header.KID] = w.now
	}
	a := &access{body.Access, header.KID, c, w.now.Add(goodFor)}
	w.issued = append(w.issued, a)
	return tokens{a, body.Refresh}
}

// receive puts the content of an answer into the store. If the answer has no refresh token, the
// stored one remains.
func (c *client) receive(x tokens) {
	w := c.w
	c.received++
	c.access = x.access
	if x.refresh != "" {
		c.refresh = x.refresh
	}
	if !c.asleep.IsZero() {
		return // the answer is late, and the client is idle by now
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

// planUse uses the access token now, some time later, and just before its end, even if it is
// refreshed earlier.
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

// goOn decides what the client does before its access token ends.
func (c *client) goOn() {
	w := c.w
	switch {
	case w.now.After(c.ends) && !c.steady:
		c.idle()
	case !w.passwordsStay && c.waiting == 0 && w.now.Before(c.access.ends) && w.random.IntN(400) == 0:
		c.changePassword()
	default:
		c.renew()
	}
}

// idle waits until shortly before or after a deployment, possibly for days.
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

// renew refreshes. A client of the strict profile sends one request and loses no answer, as the
// profile requires. Other clients may send several requests, each with the refresh token stored at
// that time, and may lose answers.
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

// present sends a refresh token to an instance of the refresh function and reports whether the
// answer has tokens.
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
		version: keyID(refresh), refresh: refresh, why: strings.TrimSpace(answer.Body.String())})
	c.plan++
	plan := c.plan
	w.after(time.Minute, func() {
		if c.plan == plan {
			c.login()
		}
	})
	return tokens{}, false
}

// keyID returns the key that sealed a refresh token, from the third and fourth byte.
func keyID(refresh string) keyrings.Version {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(refresh, "ert_"))
	if err != nil || len(raw) < 4 {
		return 0
	}
	return binary.BigEndian.Uint16(raw[2:])
}

// changePassword calls the account function, which verifies the access token with its own ring, and
// continues in a new session.
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

// use presents the access token to our authorizer or to an external verifier.
func (a *access) use() {
	if by, why := a.show(); why != "" {
		a.client.w.refuse(by, a, why)
		a.client.afterRefusal(a)
	}
}

// useTooLate presents an expired token, which must be refused. It proves that the test would see a
// refusal.
func (a *access) useTooLate() {
	w := a.client.w
	by, why := a.show()
	if why == "" {
		w.t.Errorf("%s accepts an expired token of %s", by, a.client)
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
	w.refused = append(w.refused, refusal{at: w.now, by: by, client: a.client, kid: a.kid, version: w.versionOf[a.kid], why: why})
}

// afterRefusal refreshes once, as clients do if an access token is refused.
func (c *client) afterRefusal(a *access) {
	if c.access == a && c.waiting == 0 && c.asleep.IsZero() {
		c.renew()
	}
}

// renewOnce refreshes with the stored token if no other refresh is under way, even if the client is
// idle.
func (c *client) renewOnce() {
	if c.waiting > 0 {
		c.w.after(time.Minute, c.renewOnce)
		return
	}
	c.renew()
}
