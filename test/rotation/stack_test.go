package rotation

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint/discovery"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

const (
	issuer   = "https://auth.example.com"
	audience = "https://api.example.com"

	clockError = 3 * time.Second // of an instance, in both directions
)

// The functions. Each has its own alias.
var functions = []string{"login", "refresh", "account", "authorizer", "discovery"}

// profiles are the profiles of the clients.
var profiles = []auth.Profile{auth.Balanced, auth.Strict, auth.Fixed}

// stack is a deployed stack: three secrets, and functions that each know one KeyVersion or one key
// set.
type stack struct {
	sim     *simulation
	alg     token.Algorithm // of new keys
	signing *secret
	refresh *secret
	logins  *secret
	stores  service.Stores

	requests  int
	deployed  *release
	answered  *instance // the instance of the latest call
	aliases   map[string]*alias
	versionOf map[string]keyrings.Version // by kid; if two versions hold a key, the newer
	dropped   map[string]bool             // by kid
	seals     map[sealing]auth.Secret     // every refresh-token key so far

	// The faults of a stack that is expected to fail.
	public   func(keyrings.Ring, keyrings.Version) (token.KeySet, error) // the published key set
	narrowed func(text auth.Secret, v keyrings.Version) auth.Secret      // the refresh-token ring that a function reads
}

func newStack(sim *simulation, alg token.Algorithm) *stack {
	s := &stack{
		sim: sim, alg: alg, signing: &secret{}, refresh: &secret{}, logins: &secret{}, stores: newStores(),
		aliases: map[string]*alias{}, versionOf: map[string]keyrings.Version{}, dropped: map[string]bool{},
		seals: map[sealing]auth.Secret{}, public: keyrings.Ring.PublicKeys,
	}
	for _, name := range functions {
		s.aliases[name] = &alias{}
	}
	return s
}

// release holds what one deployment writes into the environments of the functions.
type release struct {
	version keyrings.Version
	jwks    string
	drops   string // of refresh-token and login keys, which are part of the stamp
}

// load reads a ring as the custom resource does: a new secret has no value.
func (s *stack) load(kind keyrings.Kind) keyrings.Ring {
	s.sim.t.Helper()
	r, err := keyrings.Load(s.sim.t.Context(), s.sourceOf(kind), kind)
	if errors.Is(err, auth.ErrNotFound) {
		return keyrings.Ring{Kind: kind}
	}
	if err != nil {
		s.sim.t.Fatal(err)
	}
	return r
}

func (s *stack) sourceOf(kind keyrings.Kind) *secret {
	switch kind {
	case keyrings.SigningRing:
		return s.signing
	case keyrings.LoginRing:
		return s.logins
	}
	return s.refresh
}

// order is the order in which rings are written. The signing ring is last, because it records the
// request.
var order = []keyrings.Kind{keyrings.RefreshRing, keyrings.LoginRing, keyrings.SigningRing}

// move moves the rings to a version, and drops signing keys.
func (s *stack) move(v keyrings.Version, drop keyrings.Drop) (*release, error) {
	s.sim.t.Helper()
	return s.carryOut(keyrings.Move{Version: v, Drop: drop})
}

// carryOut does what the custom resource does for one request, and returns its answer for the
// template. It checks all rings before it writes one. Then it repeats the request, as if the answer
// had been lost.
func (s *stack) carryOut(m keyrings.Move) (*release, error) {
	s.sim.t.Helper()
	s.requests++
	v := m.Version
	m.Algorithm, m.Request = s.alg, fmt.Sprint("request ", s.requests)
	m.Immediately = s.load(keyrings.RefreshRing).Leaves(m) || s.load(keyrings.LoginRing).Leaves(m)
	before := s.load(keyrings.SigningRing)
	if len(before.Keys) == 0 {
		if err := keyrings.Adopt(v, before, s.load(keyrings.RefreshRing), s.load(keyrings.LoginRing)); err != nil {
			return nil, err
		}
	}
	for range 2 {
		for _, kind := range order {
			if _, err := s.load(kind).Move(m, s.sim.now, rand.Reader); err != nil {
				return nil, err
			}
		}
		for _, kind := range order {
			s.change(kind, func(r keyrings.Ring) (keyrings.Ring, error) { return r.Move(m, s.sim.now, rand.Reader) })
		}
	}
	s.note(before)
	return s.released(v), nil
}

// change writes the next state of a ring, if there is one.
func (s *stack) change(kind keyrings.Kind, change func(keyrings.Ring) (keyrings.Ring, error)) {
	s.sim.t.Helper()
	r := s.load(kind)
	next, err := change(r)
	if err != nil {
		s.sim.t.Fatal(err)
	}
	if next.Serial == r.Serial {
		return
	}
	if err := keyrings.Save(s.sim.t.Context(), s.sourceOf(kind), next); err != nil {
		s.sim.t.Fatal(err)
	}
}

// note records the version of each kid, which kids were dropped, and the refresh-token keys.
func (s *stack) note(before keyrings.Ring) {
	after, kept := s.load(keyrings.SigningRing), map[string]bool{}
	for _, v := range after.Versions() {
		kid := after.Keys[v].Signing.ID()
		s.versionOf[kid], kept[kid] = v, true
	}
	for _, e := range before.Keys {
		if kid := e.Signing.ID(); !kept[kid] {
			s.dropped[kid] = true
		}
	}
	for v, e := range s.load(keyrings.RefreshRing).Keys {
		s.seals[sealing{v, e.ID()}] = e.Secret
	}
}

// released returns the release with the given version. If its content equals an earlier release, it
// is the earlier one: a rollback reuses the function versions that exist.
func (s *stack) released(v keyrings.Version) *release {
	s.sim.t.Helper()
	keys, err := s.public(s.load(keyrings.SigningRing), v)
	if err != nil {
		s.sim.t.Fatal(err)
	}
	text, err := json.Marshal(keys)
	if err != nil {
		s.sim.t.Fatal(err)
	}
	drops := fmt.Sprint(s.load(keyrings.RefreshRing).Dropped, s.load(keyrings.LoginRing).Dropped)
	return &release{v, string(text), drops}
}

// snapshot is one version of a function, with an immutable environment.
type snapshot struct {
	release
	instances []*instance
	left      time.Time // the last time the alias left it, or zero
}

// alias selects the version of a function that answers.
type alias struct {
	main, canary *snapshot
	former       *snapshot
	settled      time.Time // until then a caller may use the previous version
}

// instance is a process of one version of a function, with the rings that it read at its start.
type instance struct {
	*snapshot
	started, ends time.Time
	saved         uint64 // of the signing ring at the start
	http          http.Handler
	authorizer    *authorizer.Authorizer
	log           bytes.Buffer // the latest audit line
}

// publish returns the version of a function with the environment r. An unchanged environment
// creates no new version.
func (a *alias) publish(r *release) *snapshot {
	for _, v := range []*snapshot{a.main, a.former} {
		if v != nil && v.release == *r {
			return v
		}
	}
	return &snapshot{release: *r}
}

// point moves the alias.
func (s *stack) point(name string, to *snapshot) {
	a := s.aliases[name]
	a.canary = nil
	if a.main == to {
		return
	}
	if a.main != nil {
		a.main.left = s.sim.now
	}
	a.former, a.main, a.settled = a.main, to, s.sim.now.Add(s.sim.between(time.Second, time.Minute))
}

// everywhere moves all aliases at once.
func (s *stack) everywhere(r *release) {
	for _, name := range functions {
		s.point(name, s.aliases[name].publish(r))
	}
	s.deployed = r
}

// route selects the version that answers one call.
func (s *stack) route(name string) *snapshot {
	sim, a := s.sim, s.aliases[name]
	switch {
	case a.canary != nil && sim.percent(10):
		sim.count[canaryCalls]++
		return a.canary
	case a.canary != nil:
		sim.count[besideCalls]++
	case a.former != nil && sim.now.Before(a.settled) && sim.percent(50):
		sim.count[formerCalls]++
		return a.former
	}
	return a.main
}

// instance selects an instance that answers a call. A new instance may start at any time.
func (s *stack) instance(name string) *instance {
	sim, v := s.sim, s.route(name)
	v.instances = slices.DeleteFunc(v.instances, func(i *instance) bool { return !sim.now.Before(i.ends) })
	if len(v.instances) == 0 || sim.percent(2) {
		v.instances = append(v.instances, s.start(name, v))
	}
	i := v.instances[sim.random.IntN(len(v.instances))]
	if i.saved < s.signing.saved {
		sim.count[staleCalls]++
	}
	if v == s.aliases[name].main && i.started.Before(v.left) {
		sim.count[revivedCalls]++
	}
	s.answered = i
	return i
}

// start starts an instance, which reads the rings once.
func (s *stack) start(name string, v *snapshot) *instance {
	s.sim.t.Helper()
	s.sim.count[starts]++
	ends := s.sim.now.Add(s.sim.between(30*time.Minute, 8*time.Hour))
	i := &instance{snapshot: v, started: s.sim.now, ends: ends, saved: s.signing.saved}
	off := s.sim.between(-clockError, clockError)
	now := func() time.Time { return s.sim.now.Add(off) }
	var err error
	switch name {
	case "authorizer":
		i.authorizer, err = s.startAuthorizer(i, now)
	case "discovery":
		var keys token.KeySet
		if keys, err = token.ParseJWKS([]byte(v.jwks)); err == nil {
			i.http, err = discovery.New(issuer, keys)
		}
	default:
		i.http, err = s.startService(name, i, now)
	}
	if err != nil {
		s.sim.t.Fatalf("%s of version %d: %v", name, v.version, err)
	}
	return i
}

func (s *stack) startAuthorizer(i *instance, now func() time.Time) (*authorizer.Authorizer, error) {
	keys, err := token.ParseJWKS([]byte(i.jwks))
	if err != nil {
		return nil, err
	}
	v, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: []string{audience}, Keys: keys, Now: now})
	if err != nil {
		return nil, err
	}
	return authorizer.New(authorizer.Config{
		Verifier: v, HTTPResponse: config.ResponseSimple, Log: &i.log, Now: now,
	})
}

func (s *stack) startService(name string, i *instance, now func() time.Time) (http.Handler, error) {
	fails := 0
	if s.sim.percent(10) {
		fails = 1 + s.sim.random.IntN(2)
		s.sim.count[outages]++
	}
	settings := service.Settings{
		Issuer: issuer, Audience: []string{audience}, KeyVersion: i.version, Stores: s.stores,
		SigningRing: &unreliable{s.signing, fails}, RefreshKeys: &unreliable{s.refreshOf(i.version), fails},
		Client: clientOf(auth.Balanced), Clients: []auth.Client{clientOf(auth.Strict), clientOf(auth.Fixed)},
		AccessTokenLifetime: life, Hasher: plain{}, Log: io.Discard, Now: now,
	}
	if name != "refresh" {
		settings.LoginRing = &unreliable{s.logins, fails}
	}
	x, err := service.New(s.sim.t.Context(), settings)
	if err != nil {
		return nil, err
	}
	return x.Handler(name)
}

// refreshOf returns the refresh-token ring as a function of version v reads it now.
func (s *stack) refreshOf(v keyrings.Version) keyrings.Source {
	if s.narrowed == nil {
		return s.refresh
	}
	text, err := s.refresh.Load(s.sim.t.Context())
	if err != nil {
		s.sim.t.Fatal(err)
	}
	return keyrings.Inline(s.narrowed(text, v))
}

// clientOf returns the application whose sessions have the given profile.
func clientOf(p auth.Profile) auth.Client {
	c := auth.Client{ID: auth.ClientID(p.String()), Profile: p}
	if p == auth.Balanced {
		c.ID = auth.DefaultClient
	}
	return c
}

// authorize calls an authorizer instance as an HTTP API does. why is empty if the request is
// allowed.
func (i *instance) authorize(ctx context.Context, text string) (why string, err error) {
	i.log.Reset()
	answer, err := i.authorizer.Invoke(ctx, []byte(`{"version":"2.0","type":"REQUEST",`+
		`"routeArn":"arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/$default/GET/orders/1001",`+
		`"headers":{"authorization":"Bearer `+text+`"},`+
		`"requestContext":{"apiId":"a1b2c3d4e5","requestId":"r1","http":{"method":"GET"}}}`))
	if err != nil {
		return "", err
	}
	var said struct{ IsAuthorized bool }
	var line struct{ Outcome, Reason string }
	if err := errors.Join(json.Unmarshal(answer, &said), json.Unmarshal(i.log.Bytes(), &line)); err != nil {
		return "", fmt.Errorf("%s, logged as %s: %w", answer, strings.TrimSpace(i.log.String()), err)
	}
	if said.IsAuthorized {
		return "", nil
	}
	return line.Outcome + " " + line.Reason, nil
}
