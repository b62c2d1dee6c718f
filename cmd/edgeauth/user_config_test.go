package main

import (
	"strings"
	"testing"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
)

// TestUserConfig: "user add", "user passwd" and "user code" apply the configuration, and name the
// setting that refuses.
func TestUserConfig(t *testing.T) {
	home := newHome(t)
	const rules = `{"passwords":{"min_characters":15},"clients":{"spa":{}}}`
	refused := func(in, want string, args ...string) {
		t.Helper()
		r := edgeauth(t, in, append(args, "--data", home)...)
		if r.status == exitDone || !strings.Contains(r.err, want) {
			t.Errorf("edgeauth %s: exit %d, %s; want %s", strings.Join(args, " "), r.status, r.err, want)
		}
	}
	const short = "battery staple" // 14 characters
	refused(short, "want at least 15 characters): passwords.min_characters in --config", "user", "add", "ada@example.com", "--config", rules)
	done(t, short, "user", "add", "ada@example.com", "--data", home)
	t.Setenv(config.Config, rules)
	refused(short, "want at least 15 characters): passwords.min_characters in EDGEAUTH_CONFIG", "user", "passwd", "ada@example.com")
	refused("short", "want at least 15 characters", "user", "passwd", "ada@example.com")
	done(t, short+"s", "user", "passwd", "ada@example.com", "--data", home)
	done(t, short, "user", "passwd", "ada@example.com", "--data", home, "--config", "{}")
	refused("", `--client "app": unknown client (want default, spa: clients in EDGEAUTH_CONFIG)`, "user", "code", "ada@example.com", "--client", "app")
	for _, client := range []string{"spa", "default"} {
		done(t, "", "user", "code", "ada@example.com", "--data", home, "--client", client)
	}
	refused("", `EDGEAUTH_CONFIG: passwords: "min_characters"`, "user", "code", "ada@example.com", "--config", `{"passwords":{"min_characters":1}}`)
	t.Setenv(config.Config, "")
	done(t, "", "user", "code", "ada@example.com", "--data", home, "--client", "app") // any client may exist
}

// TestUserConfigOfAStack: the rules are those of the parameter Config.
func TestUserConfigOfAStack(t *testing.T) {
	t.Setenv(config.Config, `{"passwords":{"min_characters":64}}`) // of something else
	d := deploy(t)
	of := storeFlag{Store: "stack:auth"}
	for text, want := range map[string]struct {
		least   int
		clients int
	}{
		"": {0, 1}, `{"passwords":{"min_characters":15},"clients":{"spa":{},"default":{}}}`: {15, 2},
	} {
		d.parameters["Config"] = strings.NewReplacer(`"`, "&quot;").Replace(text)
		c, err := configFlag{}.readConfig(t.Context(), of)
		if err != nil || c.policy.MinCharacters != want.least || len(c.clients) != want.clients || c.from != "the parameter Config of the stack auth" || c.policy.Service != "auth.example.com" {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
		if c.has(auth.DefaultClient) != nil || c.has("app") == nil {
			t.Errorf("%q: %v, %v", text, c.has(auth.DefaultClient), c.has("app"))
		}
	}
	d.parameters["Config"] = "{}"
	if r := edgeauth(t, "", "user", "code", "ada@example.com", "--store", "stack:auth", "--client", "app"); !strings.Contains(r.err, `unknown client (want default: clients in the parameter Config of the stack auth)`) {
		t.Errorf("exit %d, %s", r.status, r.err)
	}
	d.parameters["Config"] = "{&quot;cors&quot;:1}"
	if _, err := (configFlag{}).readConfig(t.Context(), of); err == nil || !strings.Contains(err.Error(), `the parameter Config of the stack auth: EDGEAUTH_CONFIG`) {
		t.Error(err)
	}
	delete(d.parameters, "Config")
	if c, err := (configFlag{}).readConfig(t.Context(), of); err != nil || c.has("app") != nil {
		t.Errorf("a template without the parameter: %+v, %v", c, err)
	}
}
