package bench

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/test/secretsmanager"
)

// BenchmarkStart measures a function from exec to its first request for an invocation. It is
// compared with an empty function.
func BenchmarkStart(b *testing.B) {
	asked := make(chan struct{}, 1)
	runtime := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			asked <- struct{}{}
		}
		<-r.Context().Done() // never answers with an invocation
	}))
	b.Cleanup(runtime.Close)
	at := "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(runtime.URL, "http://")
	given := append(functionEnvironment(b, textOf), at)
	kept := append(functionEnvironment(b, inSecretsManager(b)), at)
	start := func(binary string, environment []string) func() error {
		return func() error {
			command := exec.Command(binary)
			command.Env, command.Stderr = environment, os.Stderr
			if err := command.Start(); err != nil {
				return err
			}
			select {
			case <-asked:
			case <-time.After(10 * time.Second):
				b.Fatalf("%s did not ask for an invocation", binary)
			}
			defer func() { _ = command.Wait() }()
			return command.Process.Kill()
		}
	}
	empty := build(b, "github.com/edgeauth/edgeauth/bench/empty")
	for _, name := range []string{"authorizer", "session-authorizer", "discovery", "login", "refresh"} {
		binary := build(b, "github.com/edgeauth/edgeauth/functions/"+name)
		b.Run(name, func(b *testing.B) {
			versus(b, start(empty, given), start(binary, given))
			info, err := os.Stat(binary)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/1e6, "MB")
		})
		if name == "login" || name == "refresh" { // the other functions have no secret
			b.Run(name+", its keys in Secrets Manager", func(b *testing.B) {
				versus(b, start(binary, given), start(binary, kept))
			})
		}
	}
}

// textOf returns the ring itself as the value of its variable.
func textOf(_ *testing.B, ring keyrings.Ring) string {
	text, err := ring.Text()
	if err != nil {
		panic(err) // the ring was just made
	}
	return text.Reveal()
}

// inSecretsManager returns a function that stores rings in a stand-in on this machine. The network
// time of the real service must be added.
func inSecretsManager(b *testing.B) func(*testing.B, keyrings.Ring) string {
	secrets := &secretsmanager.Server{}
	server := httptest.NewServer(secrets)
	b.Cleanup(server.Close)
	b.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
	return func(b *testing.B, ring keyrings.Ring) string {
		arn := secrets.Add("ring")
		secrets.Set(arn, textOf(b, ring))
		return "secretsmanager:" + arn
	}
}

// build builds a program with the flags of the functions, for this machine.
func build(b *testing.B, name string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), filepath.Base(name))
	command := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", path, name)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}

// functionEnvironment returns the variables that the functions need. The signing ring holds RSA
// keys.
func functionEnvironment(b *testing.B, keep func(*testing.B, keyrings.Ring) string) []string {
	b.Helper()
	signing, err := keyrings.NewSigningRing(token.RS256, time.Now(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	refresh, err := keyrings.NewRefreshRing(time.Now(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	logins, err := keyrings.NewLoginRing(time.Now(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	public, err := signing.PublicKeys(1)
	if err != nil {
		b.Fatal(err)
	}
	jwks, err := json.Marshal(public)
	if err != nil {
		b.Fatal(err)
	}
	environment := []string{
		"EDGEAUTH_ISSUER=https://auth.example.com", "EDGEAUTH_AUDIENCE=https://api.example.com", "EDGEAUTH_KEY_VERSION=1",
		"EDGEAUTH_STORE=dynamodb", "EDGEAUTH_USERS_TABLE=users", "EDGEAUTH_SESSIONS_TABLE=sessions", "EDGEAUTH_ATTEMPTS_TABLE=attempts",
		"EDGEAUTH_ACCESS_TOKEN_LIFETIME=15m", "EDGEAUTH_IDLE_TIMEOUT=336h", "EDGEAUTH_ABSOLUTE_TIMEOUT=2160h",
		"EDGEAUTH_JWKS=" + string(jwks), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
	}
	for name, ring := range map[string]keyrings.Ring{
		"EDGEAUTH_SIGNING_RING": signing, "EDGEAUTH_REFRESH_KEYS": refresh, "EDGEAUTH_LOGIN_RING": logins,
	} {
		environment = append(environment, name+"="+keep(b, ring))
	}
	// The functions only connect to the tables. The empty function gets the same environment and
	// ignores it.
	engine := httptest.NewServer(http.NotFoundHandler())
	b.Cleanup(engine.Close)
	return append(environment, "AWS_ENDPOINT_URL_DYNAMODB="+engine.URL,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER="+os.Getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"))
}
