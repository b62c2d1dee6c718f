package deploy_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

func (c *cloud) secretsManager() *secretsmanager.Client {
	return secretsmanager.New(secretsmanager.Options{Region: region, BaseEndpoint: &c.url, HTTPClient: c.client, Credentials: owner})
}

// rings are the outputs with the secrets of a stack.
var rings = map[string]keyrings.Kind{
	"SigningSecret": keyrings.SigningRing, "RefreshSecret": keyrings.RefreshRing, "LoginSecret": keyrings.LoginRing,
}

// ring reads a ring from the stack's secret.
func (s *stack) ring(output string) keyrings.Ring {
	s.t.Helper()
	got, err := s.secretsManager().GetSecretValue(s.t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.outputs[output])})
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := keyrings.Parse(rings[output], auth.NewSecret(aws.ToString(got.SecretString)))
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// pass simulates that d has passed: it sets every time in the rings of the stack back by d. The
// functions are real processes, so the test cannot set their clocks.
func (s *stack) pass(d time.Duration) {
	s.t.Helper()
	for output := range rings {
		r := s.ring(output)
		for version, entry := range r.Keys {
			for _, at := range []*time.Time{&entry.Created, &entry.Published, &entry.SigningSince, &entry.Retired} {
				if !at.IsZero() {
					*at = at.Add(-d)
				}
			}
			r.Keys[version] = entry
		}
		text, err := r.Text()
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.secretsManager().PutSecretValue(s.t.Context(), &secretsmanager.PutSecretValueInput{
			SecretId: aws.String(s.outputs[output]), SecretString: aws.String(text.Reveal()),
		}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// published returns the published keys, as their algorithms by their ids.
func (s *stack) published() map[string]string {
	s.t.Helper()
	a, err := s.client().expect(s.t.Context(), http.StatusOK, "", http.MethodGet, "/.well-known/jwks.json", nil, "")
	if err != nil {
		s.t.Fatal(err)
	}
	var set struct{ Keys []struct{ Kid, Alg string } }
	text, err := json.Marshal(a.body)
	if err == nil {
		err = json.Unmarshal(text, &set)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	keys := map[string]string{}
	for _, k := range set.Keys {
		keys[k.Kid] = k.Alg
	}
	return keys
}

// The keys of a stack rotate, and leaked keys are dropped, as docs/keys.md says.
func TestKeys(t *testing.T) {
	p := open(t)
	s := p.stack(t, "keys")
	s.mustPut(p.template, s.parameters()...)
	s.mustCommand(password, "user add "+ada)
	api, native := s.attach("http-api"), s.attach("native-http-api")
	c := s.client()
	ctx := t.Context()
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	// accepted checks that an API accepts an access token, or refuses it.
	accepted := func(what, access, api string, want int) {
		t.Helper()
		if got := s.whoami(api, access); got.status != want {
			t.Errorf("%s: %d, want %d", what, got.status, want)
		}
	}
	first := s.ring("SigningSecret")
	check("a login", c.login(ctx, ada, password))
	if c.kid() != first.Keys[1].ID() || len(s.published()) != 2 {
		t.Errorf("signed by %s, published %v", c.kid(), s.published())
	}

	accepted("a token, by the gateway itself", c.access, native, http.StatusOK) // which now caches the keys for two hours

	// Too early.
	before := c.access
	if err := s.put(p.template, "KeyVersion=2"); err == nil || !strings.Contains(err.Error(), "use KeyVersion 1 until") {
		t.Errorf("a rotation at once: %v", err)
	}
	s.is("UPDATE_ROLLBACK_COMPLETE")
	check("after the rollback", c.renew(ctx))
	if c.kid() != first.Keys[1].ID() {
		t.Error("after the rollback, another key signs")
	}

	// Three hours later.
	s.pass(3 * time.Hour)
	s.mustDeploy("KeyVersion=2")
	untouched := s.client() // whose session stays as it is under version 2
	check("another login", untouched.login(ctx, ada, password))
	check("a refresh after the rotation", c.renew(ctx))
	if second := first.Keys[2].ID(); c.kid() != second || untouched.kid() != second || len(s.published()) != 3 {
		t.Errorf("signed by %s, published %v", c.kid(), s.published())
	}
	accepted("a token from before the rotation", before, api, http.StatusOK)
	accepted("a token from after it", c.access, api, http.StatusOK)
	accepted("the same, by a gateway with the keys from before it", c.access, native, http.StatusOK)

	// The key that signs has leaked.
	leaked := c.access
	s.mustPut(p.template, "KeyVersion=3", "DropKeys="+c.kid())
	accepted("a token of the dropped key", leaked, api, http.StatusForbidden)
	check("a refresh after the drop", c.renew(ctx))
	accepted("its token", c.access, api, http.StatusOK)
	accepted("the same, by a gateway with keys from before", c.access, native, http.StatusUnauthorized) // as docs/keys.md says
	if _, ok := s.published()[untouched.kid()]; ok {
		t.Error("the dropped key is published")
	}

	// A refresh-token key has leaked. Session c was opened before, and rotated under version 3.
	late := s.client()
	check("a login under version 3", late.login(ctx, ada, password))
	refresh := s.ring("RefreshSecret")
	s.mustDeploy("KeyVersion=4", `DropKeys=""`, "DropRefreshKeys="+refresh.Keys[3].ID())
	check("a session under the dropped key", late.ended(ctx))
	check("a session under another key", untouched.renew(ctx))
	accepted("its token", untouched.access, api, http.StatusOK)

	// All login keys have leaked. Sessions go on, and no login is refused.
	login := s.ring("LoginSecret")
	s.mustPut(p.template, "KeyVersion=5", "DropRefreshKeys=", "DropLoginKeys=all")
	for version, entry := range s.ring("LoginSecret").Keys {
		if entry.ID() == login.Keys[version].ID() {
			t.Errorf("login key %d was not dropped", version)
		}
	}
	check("a session after the drop", untouched.renew(ctx))
	check("a login after the drop", c.login(ctx, ada, password))

	// Nothing is dropped a second time.
	s.mustPut(p.template, "DropLoginKeys=")
	check("after all", untouched.renew(ctx))
	shown := s.mustCommand("", "keys show")
	if !strings.Contains(shown, "UPDATE_COMPLETE") || !strings.Contains(shown, untouched.kid()) {
		t.Errorf("keys show: %s", shown)
	}
}

// A stack can begin with another algorithm.
func TestAlgorithms(t *testing.T) {
	p := open(t)
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			s := p.stack(t, strings.ToLower(algorithm))
			s.mustPut(p.template, s.parameters("SigningAlgorithm="+algorithm)...)
			s.mustCommand(password, "user add "+ada)
			if got := slices.Compact(slices.Collect(maps.Values(s.published()))); !slices.Equal(got, []string{algorithm}) {
				t.Errorf("the published keys are for %v", got)
			}
			c := s.client()
			if err := c.login(t.Context(), ada, password); err != nil {
				t.Fatal(err)
			}
			if got := s.whoami(s.attach("http-api"), c.access); got.status != http.StatusOK {
				t.Errorf("the authorizer: %d", got.status)
			}
			if err := s.session(t.Context(), ada, password); err != nil {
				t.Error(err)
			}
		})
	}
}
