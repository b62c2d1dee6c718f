package runtimeapi_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/test/secretsmanager"
)

// inSecrets moves the rings into a stand-in for Secrets Manager, and returns a change that
// configures their ARNs.
func inSecrets(t *testing.T) (*secretsmanager.Server, func(map[string]variables)) {
	t.Helper()
	secrets := &secretsmanager.Server{}
	at := httptest.NewServer(secrets)
	t.Cleanup(at.Close)
	arns := map[string]string{config.SigningRing: secrets.Add("signing"), config.RefreshKeys: secrets.Add("refresh"),
		config.LoginRing: secrets.Add("login")}
	return secrets, func(environments map[string]variables) {
		for _, environment := range environments {
			for name, arn := range arns {
				path, holds := strings.CutPrefix(environment[name], "file:")
				if !holds {
					continue
				}
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				secrets.Set(arn, string(text))
				environment[name] = "secretsmanager:" + arn
				for variable, value := range map[string]string{
					config.SecretsManagerEndpoint: at.URL, config.Region: "eu-central-1",
					config.AccessKeyID: "id", config.SecretAccessKey: "secret",
				} {
					environment[variable] = value
				}
			}
		}
	}
}

// The deployed programs read the keys that they need from Secrets Manager, once.
func TestRingsInSecretsManager(t *testing.T) {
	secrets, change := inSecrets(t)
	d := deploy(t, stores[0].at(t), auth.Balanced, change)
	held := d.login(t, d.password)
	expect(t, "a login", held, http.StatusOK, "")
	expect(t, "its token", d.me(t, held.AccessToken), http.StatusOK, "")
	expect(t, "a refresh", d.refresh(t, held.RefreshToken), http.StatusOK, "")
	expect(t, "a second login", d.login(t, d.password), http.StatusOK, "")
	expect(t, "a logout", d.logout(t, held.RefreshToken), http.StatusOK, "")
	if calls := secrets.Calls(); len(calls) != 1 || calls["GetSecretValue"] != 3+2+1 {
		t.Errorf("login, refresh and sessions asked for %v", calls)
	}
}

// While the secrets cannot be read, nothing is decided and the clients get 503. Afterwards
// everything works again without a restart.
func TestSecretsManagerFails(t *testing.T) {
	for name, fault := range map[string]secretsmanager.Fault{
		"a role that may not yet": secretsmanager.Denied, "throttled": secretsmanager.Throttled, "down": secretsmanager.InternalError,
	} {
		t.Run(name, func(t *testing.T) {
			secrets, change := inSecrets(t)
			d := deploy(t, stores[0].at(t), auth.Balanced, change)
			secrets.Fail("GetSecretValue", 1000, fault)
			expect(t, "a login meanwhile", d.login(t, d.password), http.StatusServiceUnavailable, "temporarily_unavailable")
			if written := d.function("login").Log(); !strings.Contains(written, `"fault":"`) || !strings.Contains(written, "secretsmanager:GetSecretValue") &&
				!strings.Contains(written, "GetSecretValue") {
				t.Errorf("the log does not say what is missing:\n%s", written)
			}
			secrets.Heal()
			time.Sleep(1100 * time.Millisecond) // at most one read per second
			held := d.login(t, d.password)
			expect(t, "a login afterwards", held, http.StatusOK, "")
			expect(t, "a refresh", d.refresh(t, held.RefreshToken), http.StatusOK, "")
		})
	}
}

// A secret that is missing or has no ring stops the start, and the error gives the reason.
func TestSecretWithoutARing(t *testing.T) {
	for text, tells := range map[string]string{"": "not found", "{}": "malformed ring"} {
		secrets, change := inSecrets(t)
		all := environments(t, stores[0].at(t))
		change(all)
		arn := strings.TrimPrefix(all["login"][config.SigningRing], "secretsmanager:")
		if text == "" {
			all["login"][config.SigningRing] = "secretsmanager:" + secrets.Add("empty")
		} else {
			secrets.Set(arn, text)
		}
		if written := expectNoStart(t, runnable(t, "login"), all["login"]); !strings.Contains(written, "signing ring") || !strings.Contains(written, tells) {
			t.Errorf("%q: %s", text, written)
		}
	}
}
