package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/awsclient"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	standin "github.com/edgeauth/edgeauth/test/secretsmanager"
)

const (
	guid      = "5b918d10-cd98-11ea-90d5-0a9cd3354c10"
	ownStack  = "arn:aws:cloudformation:eu-central-1:123456789012:stack/edgeauth/" + guid
	nextStack = "arn:aws:cloudformation:eu-central-1:123456789012:stack/edgeauth-2/c07de3a0-cd98-11ea-9d3b-0a5f2e8a44d2"
)

// stack acts as CloudFormation with one stack. It sends requests as bytes to the handler and
// receives the answers over HTTP. Its clock is a fake clock, and waiting moves it.
type stack struct {
	t       testing.TB
	id      string // the id of the stack
	service *standin.Server
	config  awsclient.Config
	handler *handler
	now     time.Time
	logged  *bytes.Buffer

	properties  map[string]any // for the next deployment
	deployed    map[string]any // of the last successful deployment
	answers     *answers
	last        []byte // the last request
	requests    int
	thirdSecret string // for deployedWithLogin, which creates it
}

// reply is an answer as CloudFormation decodes it.
type reply struct {
	Status, Reason, PhysicalResourceId, StackId, RequestId, LogicalResourceId string

	Data map[string]string
	size int
}

func newStack(t testing.TB) *stack {
	t.Helper()
	s := &stack{t: t, service: &standin.Server{}, answers: &answers{}, logged: &bytes.Buffer{}, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	listening := httptest.NewServer(s.service)
	t.Cleanup(listening.Close)
	s.answers.listen(t)
	s.config = awsclient.Config{Region: "eu-central-1", Endpoint: listening.URL,
		Credentials: awsclient.Credentials{AccessKeyID: "id", SecretAccessKey: auth.NewSecret("key")}}
	s.id = ownStack
	s.handler = s.newHandler()
	s.handler.now = func() time.Time { return s.now }
	s.handler.sleep = func(_ context.Context, d time.Duration) { s.now = s.now.Add(d) }
	s.handler.random = rand.Reader
	s.handler.log = slog.New(slog.NewTextHandler(s.logged, nil))
	s.properties = map[string]any{
		"ServiceToken": "arn:aws:lambda:eu-central-1:123456789012:function:keys", "ServiceTimeout": "300",
		signingRingARN: s.service.Add("signing"), refreshKeysARN: s.service.Add("refresh"),
		loginRingARN: s.service.Add("login"),
		keyVersion:   "1", signingAlgorithm: "EdDSA", dropKeys: "", accessTokenLifetime: "15m", architecture: "arm64", "Issuer": "https://auth.example.com",
	}
	return s
}

// newHandler returns a handler without tables.
func (s *stack) newHandler() *handler {
	return newHandler(s.id, s.answers.url, "arm64", s.config, awsclient.Config{})
}

// become turns s into a different stack with its own keys function and the same secrets.
func (s *stack) become(id string) { s.id, s.handler.stack = id, id }

// request returns the bytes of a request.
func (s *stack) request(kind string, properties, old map[string]any) []byte {
	s.t.Helper()
	s.requests++
	e := map[string]any{
		"RequestType": kind, "RequestId": fmt.Sprintf("0f5f6c3a-%027d", s.requests), "LogicalResourceId": "Keys",
		"StackId":      s.id,
		"ResourceType": keysType, "ResourceProperties": properties,
		"ResponseURL": s.answers.url + "/arn?X-Amz-Date=" + s.now.UTC().Format("20060102T150405Z") + "&X-Amz-Signature=0ddba11",
	}
	if kind != "Create" {
		e["PhysicalResourceId"] = "edgeauth-keys-" + stackGUID(s.id)
	}
	if old != nil {
		e["OldResourceProperties"] = old
	}
	text, err := json.Marshal(e)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// send sends an event to the handler and returns the answer.
func (s *stack) send(event []byte) reply {
	s.t.Helper()
	s.last = event
	before := s.answers.count()
	if out, err := s.handler.Invoke(s.t.Context(), event); err != nil || string(out) != "null" {
		s.t.Fatalf("the function fails: %s, %v", out, err)
	}
	if got := s.answers.count() - before; got != 1 {
		s.t.Fatalf("%d answers", got)
	}
	return s.answers.latest(s.t)
}

func (s *stack) create() reply {
	s.t.Helper()
	r := s.send(s.request("Create", s.properties, nil))
	if r.Status == "SUCCESS" {
		s.deployed = maps.Clone(s.properties)
	}
	return r
}

// update deploys with these properties changed. A refused deployment is rolled back, and the
// rollback must succeed.
func (s *stack) update(pairs ...string) reply {
	s.t.Helper()
	wish := maps.Clone(s.deployed)
	for i := 0; i < len(pairs); i += 2 {
		wish[pairs[i]] = pairs[i+1]
	}
	event := s.request("Update", wish, s.deployed)
	r := s.send(event)
	if r.Status == "SUCCESS" {
		s.properties, s.deployed = s.deployed, wish
		return r
	}
	if back := s.send(s.request("Update", s.deployed, wish)); back.Status != "SUCCESS" {
		s.t.Errorf("after %q the rollback fails: %s", r.Reason, back.Reason)
	}
	s.last = event
	return r
}

// rollback is CloudFormation's request after an update whose other resources failed.
func (s *stack) rollback() reply {
	s.t.Helper()
	s.properties, s.deployed = s.deployed, s.properties
	r := s.send(s.request("Update", s.deployed, s.properties))
	if r.Status != "SUCCESS" {
		s.t.Errorf("the rollback fails: %s", r.Reason)
	}
	return r
}

// stored returns the signing ring and the refresh-token ring from the secrets.
func (s *stack) stored() (signing, refresh keyrings.Ring) {
	s.t.Helper()
	return s.ring(keyrings.SigningRing), s.ring(keyrings.RefreshRing)
}

func (s *stack) ring(kind keyrings.Kind) keyrings.Ring {
	s.t.Helper()
	text, _ := s.service.Text(s.deployed[arnProperty[kind]].(string))
	r, err := keyrings.Parse(kind, auth.NewSecret(text))
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// kids returns the kids of the key set in an answer. The answer must have a key set.
func (r reply) kids(t testing.TB) []string {
	t.Helper()
	set, err := token.ParseJWKS([]byte(r.Data["Jwks"]))
	if err != nil {
		t.Fatalf("%s %s: %v", r.Status, r.Reason, err)
	}
	var kids []string
	for _, k := range set.Keys() {
		kids = append(kids, k.ID())
	}
	return kids
}

// signs returns the kid of the key at a version.
func (s *stack) signs(v keyrings.Version) string {
	s.t.Helper()
	signing, _ := s.stored()
	return signing.Keys[v].Signing.ID()
}

// answers is the place at which CloudFormation receives answers: S3 behind a URL that is signed for
// a PUT without a content type.
type answers struct {
	url string

	mu     sync.Mutex
	bodies [][]byte
	refuse []int // the statuses of the next replies
}

func (a *answers) listen(t testing.TB) {
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	_, typed := r.Header["Content-Type"]
	switch {
	case err != nil || r.Method != http.MethodPut || typed || r.ContentLength < 0 || r.URL.Query().Get("X-Amz-Signature") == "":
		w.WriteHeader(http.StatusForbidden)
	case len(a.refuse) > 0:
		w.WriteHeader(a.refuse[0])
		a.refuse = a.refuse[1:]
	default:
		a.bodies = append(a.bodies, body)
	}
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.bodies)
}

func (a *answers) latest(t testing.TB) reply {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	body := a.bodies[len(a.bodies)-1]
	r := reply{size: len(body)}
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

// keepsSecrets checks that no answer and no log line contains key material.
func (s *stack) keepsSecrets() {
	s.t.Helper()
	s.answers.mu.Lock()
	defer s.answers.mu.Unlock()
	shown := s.logged.String() + string(bytes.Join(s.answers.bodies, nil))
	signing, refresh := s.stored()
	var secrets []string
	for _, entry := range signing.Keys {
		var jwk map[string]string
		if err := json.Unmarshal([]byte(entry.Signing.JWK().Reveal()), &jwk); err != nil {
			s.t.Fatal(err)
		}
		for _, name := range []string{"d", "p", "q", "dp", "dq", "qi"} {
			if jwk[name] != "" {
				secrets = append(secrets, jwk[name])
			}
		}
	}
	login := s.ring(keyrings.LoginRing)
	for _, ring := range []keyrings.Ring{refresh, login} {
		text, err := ring.Text()
		if err != nil {
			s.t.Fatal(err)
		}
		for part := range strings.SplitSeq(text.Reveal(), `"secret":"`) {
			if secret, _, found := strings.Cut(part, `"`); found && len(secret) == 43 {
				secrets = append(secrets, secret)
			}
		}
	}
	if len(secrets) < len(signing.Keys)+len(refresh.Keys)+len(login.Keys) {
		s.t.Fatal("the secrets were not found")
	}
	secrets = append(secrets, "X-Amz-Signature", "0ddba11")
	for _, secret := range secrets {
		if strings.Contains(shown, secret) {
			s.t.Errorf("%s is shown:\n%s", secret, shown)
		}
	}
}
