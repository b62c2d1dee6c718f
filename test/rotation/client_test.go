package rotation

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/pkg/auth/user"
)

const (
	// life is the lifetime of an access token before the issuer subtracts up to 5 % of jitter.
	// Clients use a token for goodFor, which is shorter and leaves room for clock errors, so that a
	// client's plan does not depend on the jitter.
	life    = 15 * time.Minute
	goodFor = life * 94 / 100
	// longEnded is the age at which a token is expired for every clock and leeway.
	longEnded = life + time.Minute

	longestLeg = 40 * time.Second // of a request or an answer
	retryAfter = 3 * time.Second  // after a 503
)

// plain stores passwords as they are. Real hashes would take a sixth of the time of the test, which
// does not examine them.
type plain struct{}

func (plain) Hash(given auth.Secret) (auth.Secret, error) {
	return auth.NewSecret("plain: " + given.Reveal()), nil
}

func (p plain) Verify(stored, given auth.Secret) (password.Result, error) {
	made, err := p.Hash(given)
	return password.Result{Match: made.Equal(stored)}, err
}

func (plain) Waste(auth.Secret) {}

func passwordOf(changes int) string { return fmt.Sprint("correct horse battery staple ", changes) }

// client is an application with one token store.
type client struct {
	sim      *simulation
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

// access is an access token, with the facts that its holder knows.
type access struct {
	text, kid string
	client    *client
	ends      time.Time // goodFor after the issue time
}

func (sim *simulation) addClients(n int) {
	sim.t.Helper()
	hash, err := plain{}.Hash(auth.NewSecret(passwordOf(0)))
	if err != nil {
		sim.t.Fatal(err)
	}
	for i := range n {
		c := &client{sim: sim, id: i, steady: i == 0}
		if i%4 == 3 {
			c.profile = profiles[1+i/4%2]
		} else {
			c.profile = auth.Balanced
		}
		u := user.User{
			ID:    auth.SubjectID(fmt.Sprintf("1b671a64-40d5-491e-99b0-%012d", i)),
			Email: c.email(), Password: hash, Revision: 1, CreatedAt: begin,
		}
		if err := sim.stores.Users.Create(sim.t.Context(), u, string(u.ID)); err != nil {
			sim.t.Fatal(err)
		}
		sim.clients = append(sim.clients, c)
		sim.after(sim.between(time.Minute, 2*time.Hour), c.login)
	}
}

func (c *client) email() string { return fmt.Sprintf("user%d@example.com", c.id) }

// send sends a request with a JSON body.
func (c *client) send(function, path string, body map[string]string) *httptest.ResponseRecorder {
	c.sim.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.sim.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(c.sim.t.Context(), http.MethodPost, path, strings.NewReader(string(text)))
	r.RemoteAddr = fmt.Sprintf("192.0.2.%d:443", c.id)
	r.Header.Set("Content-Type", "application/json")
	if c.access != nil && path == "/auth/password" {
		r.Header.Set("Authorization", "Bearer "+c.access.text)
	}
	answer := httptest.NewRecorder()
	c.sim.instance(function).http.ServeHTTP(answer, r)
	if answer.Code == http.StatusServiceUnavailable {
		c.sim.count[unavailable]++
	}
	return answer
}

func (c *client) login() {
	sim := c.sim
	name := clientOf(c.profile).ID
	body := map[string]string{"email": c.email(), "password": passwordOf(c.changes), "client_id": string(name)}
	if c.device != "" {
		body["device_token"] = c.device
	}
	before := c.device
	answer := c.send("login", "/auth/login", body)
	switch answer.Code {
	case http.StatusOK:
		sim.count[logins]++
		defer func() {
			if c.device == before {
				sim.count[knownLogins]++
			}
		}()
		c.ends = sim.now.Add(sim.between(time.Hour, 5*time.Hour))
		c.receive(c.read(answer))
	case http.StatusServiceUnavailable:
		sim.after(retryAfter, c.login)
	default:
		sim.t.Errorf("%s: a login is answered %d %s", c, answer.Code, answer.Body)
	}
}

// tokens holds the content of an answer.
type tokens struct {
	*access
	refresh string
}

// read parses an answer with tokens.
func (c *client) read(answer *httptest.ResponseRecorder) tokens {
	sim := c.sim
	sim.t.Helper()
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
		sim.t.Fatalf("%s: %v in %s", c, err, answer.Body)
	}
	if body.Device != "" {
		c.device = body.Device // of a login or a new password, whose answers are never late
	}
	if _, seen := sim.first[header.KID]; !seen {
		sim.first[header.KID] = sim.now
	}
	a := &access{body.Access, header.KID, c, sim.now.Add(goodFor)}
	sim.issued = append(sim.issued, a)
	return tokens{a, body.Refresh}
}

// receive puts the content of an answer into the store. If the answer has no refresh token, the
// stored one remains.
func (c *client) receive(x tokens) {
	sim := c.sim
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
	sim.at(x.ends.Add(-sim.between(life/25, life*4/10)), func() {
		if c.plan == plan {
			c.goOn()
		}
	})
}

// planUse uses the access token now, some time later, and just before its end, even if it is
// refreshed earlier.
func (a *access) planUse() {
	sim := a.client.sim
	left := a.ends.Sub(sim.now)
	sim.after(0, a.use)
	sim.after(sim.between(0, left), a.use)
	sim.after(left, a.use)
	if sim.percent(10) {
		sim.at(a.ends.Add(longEnded-goodFor), a.useTooLate)
	}
}

// goOn decides what the client does before its access token ends.
func (c *client) goOn() {
	sim := c.sim
	switch {
	case sim.now.After(c.ends) && !c.steady:
		c.idle()
	case !sim.passwordsStay && c.waiting == 0 && sim.now.Before(c.access.ends) && sim.random.IntN(400) == 0:
		c.changePassword()
	default:
		c.renew()
	}
}

// idle waits until shortly before or after a deployment, possibly for days.
func (c *client) idle() {
	sim := c.sim
	var next []time.Time
	for _, at := range sim.expected {
		if at.After(sim.now) && at.Before(sim.now.Add(12*24*time.Hour)) {
			next = append(next, at)
		}
	}
	if sim.percent(70) {
		next = next[:min(2, len(next))]
	}
	back := sim.now.Add(sim.between(time.Hour, 24*time.Hour))
	if len(next) > 0 {
		back = next[sim.random.IntN(len(next))].Add(sim.between(-time.Hour, 15*time.Minute))
	}
	if !back.After(sim.now) {
		back = sim.now.Add(sim.between(0, time.Hour))
	}
	c.asleep = sim.now
	sim.at(back, func() {
		if sim.now.Sub(c.asleep) > 24*time.Hour {
			sim.count[longIdle]++
		}
		c.asleep = time.Time{}
		c.ends = sim.now.Add(sim.between(time.Hour, 5*time.Hour))
		c.renew()
	})
}

// renew refreshes. A client of the strict profile sends one request and loses no answer, as the
// profile requires. Other clients may send several requests, each with the refresh token stored at
// that time, and may lose answers.
func (c *client) renew() {
	sim := c.sim
	copies, loss := 1, 0
	if c.profile != auth.Strict && sim.percent(20) {
		copies, loss = 1+sim.random.IntN(3), 30
	}
	c.plan++
	before, leg := c.received, time.Second
	if sim.percent(10) {
		leg = longestLeg
	}
	for i := range copies {
		sent := time.Duration(0)
		if i > 0 {
			sent = sim.between(0, 20*time.Second)
			sim.count[duplicates]++
		}
		there, backAgain, isLost := sim.between(0, leg), sim.between(0, leg), sim.percent(loss)
		c.waiting++
		sim.after(sent, func() {
			held := c.refresh
			sim.after(there, func() {
				answer, done := c.present(held)
				sim.after(backAgain, func() {
					c.waiting--
					switch {
					case isLost:
						sim.count[lost]++
					case done:
						c.receive(answer)
					}
				})
			})
		})
	}
	plan := c.plan
	sim.after(20*time.Second+2*leg+retryAfter, func() {
		if c.received == before && c.plan == plan {
			c.renew()
		}
	})
}

// present sends a refresh token to an instance of the refresh function and reports whether the
// answer has tokens.
func (c *client) present(refresh string) (tokens, bool) {
	sim := c.sim
	body := map[string]string{"refresh_token": refresh}
	answer := c.send("refresh", "/auth/refresh", body)
	switch answer.Code {
	case http.StatusOK:
		sim.count[refreshes]++
		switch ahead := int(keyID(refresh)) - int(sim.answered.version); {
		case ahead > 0:
			sim.count[refreshAhead]++
		case ahead == 0:
			sim.count[refreshSame]++
		case ahead == -1:
			sim.count[refreshBehind]++
		default:
			sim.count[refreshOlder]++
		}
		return c.read(answer), true
	case http.StatusServiceUnavailable:
		return tokens{}, false
	}
	var problem struct{ Terminal bool }
	if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || !problem.Terminal {
		sim.t.Errorf("%s: a refresh is answered %d %s", c, answer.Code, answer.Body)
		return tokens{}, false
	}
	sim.ended = append(sim.ended, refusal{at: sim.now, by: fmt.Sprintf("refresh of version %d", sim.answered.version), client: c,
		version: keyID(refresh), refresh: refresh, why: strings.TrimSpace(answer.Body.String())})
	c.plan++
	plan := c.plan
	sim.after(time.Minute, func() {
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
	sim := c.sim
	answer := c.send("account", "/auth/password", map[string]string{
		"current_password": passwordOf(c.changes), "new_password": passwordOf(c.changes + 1),
	})
	switch answer.Code {
	case http.StatusOK:
		sim.count[passwordChanges]++
		c.changes++
		c.receive(c.read(answer))
	case http.StatusServiceUnavailable:
		sim.after(retryAfter, c.renew)
	default:
		by := fmt.Sprintf("account of version %d", sim.answered.version)
		sim.refuse(by, c.access, fmt.Sprint(answer.Code, " ", answer.Body))
		sim.after(retryAfter, c.renew)
	}
}

// use presents the access token to our authorizer or to an external verifier.
func (a *access) use() {
	if by, why := a.show(); why != "" {
		a.client.sim.refuse(by, a, why)
		a.client.afterRefusal(a)
	}
}

// useTooLate presents an expired token, which must be refused. It proves that the test would see a
// refusal.
func (a *access) useTooLate() {
	sim := a.client.sim
	by, why := a.show()
	if why == "" {
		sim.t.Errorf("%s accepts an expired token of %s", by, a.client)
	}
	if strings.HasSuffix(why, string(token.ReasonExpired)) {
		sim.count[endedTokens]++
	}
}

func (a *access) show() (by, why string) {
	sim := a.client.sim
	sim.t.Helper()
	if sim.percent(40) {
		v := sim.verifiers[sim.random.IntN(len(sim.verifiers))]
		return v.name, v.check(a)
	}
	i := sim.instance("authorizer")
	why, err := i.authorize(sim.t.Context(), a.text)
	if err != nil {
		sim.t.Fatal(err)
	}
	if why == "" {
		switch ahead := int(sim.versionOf[a.kid]) - int(i.version); {
		case ahead > 0:
			sim.count[accessAhead]++
		case ahead == 0:
			sim.count[accessSame]++
		default:
			sim.count[accessBehind]++
		}
	}
	return fmt.Sprintf("authorizer of version %d", i.version), why
}

func (sim *simulation) refuse(by string, a *access, why string) {
	sim.refused = append(sim.refused, refusal{at: sim.now, by: by, client: a.client, kid: a.kid, version: sim.versionOf[a.kid], why: why})
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
		c.sim.after(time.Minute, c.renewOnce)
		return
	}
	c.renew()
}
