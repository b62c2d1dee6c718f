package document_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/internal/route"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/authorizer"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/service"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
	"github.com/edgeauth/edgeauth/test/document"
)

const configurationPage = "configuration.md"

// sameNames holds the names in the rows of a table to those of the code or the template.
func sameNames(t *testing.T, what string, rows map[string]map[string]string, want []string) {
	t.Helper()
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(rows)); !slices.Equal(got, want) {
		t.Errorf("docs/%s has the %s\n     %q\nwant %q", configurationPage, what, got, want)
	}
}

// TestVariables holds the table of variables to the code: their names, who reads them, and which of
// them are required.
func TestVariables(t *testing.T) {
	page := document.Read(t, configurationPage)
	ours, aws := rows(t, page, "variable"), rows(t, page, "AWS variable")
	source, err := os.ReadFile(filepath.Join(document.Root(t), "internal", "config", "names.go"))
	if err != nil {
		t.Fatal(err)
	}
	var wantOurs, wantAWS []string
	for _, m := range regexp.MustCompile(`"((?:EDGEAUTH|AWS)_[A-Z0-9_]+)"`).FindAllStringSubmatch(string(source), -1) {
		if strings.HasPrefix(m[1], "AWS") {
			wantAWS = append(wantAWS, m[1])
		} else {
			wantOurs = append(wantOurs, m[1])
		}
	}
	for variable := range templateVariables(t) {
		if !slices.Contains(wantOurs, variable) {
			wantOurs = append(wantOurs, variable)
		}
	}
	sameNames(t, "variables", ours, wantOurs)
	sameNames(t, "variables of AWS", aws, wantAWS)

	for variable, row := range ours {
		var readers []string
		for function, variables := range config.Readers() {
			if slices.Contains(variables, variable) {
				readers = append(readers, function)
			}
		}
		slices.Sort(readers)
		documented := slices.Sorted(slices.Values(document.Words(row["read by"])))
		if len(readers) == 0 {
			readers = []string{"–"}
		}
		if !slices.Equal(readers, documented) {
			t.Errorf("docs/%s: %s is read by %q, want %q", configurationPage, variable, documented, readers)
		}
	}

	// Without any variable, those that are missed are required.
	store := func(name string) (string, bool) {
		if name == config.Store {
			return "dynamodb", true
		}
		return "", false
	}
	missed := map[string]bool{}
	for _, lookup := range []func(string) (string, bool){store, func(string) (string, bool) { return "", false }} {
		e := config.New(lookup)
		e.Issuer()
		e.Audience()
		e.JWKS()
		e.SigningRing()
		e.RefreshKeys()
		e.LoginRing()
		e.KeyVersion()
		e.Store()
		e.Duration(config.AccessTokenLifetime, token.MinLifetime, token.MaxLifetime)
		e.Duration(config.IdleTimeout, time.Minute, time.Hour)
		e.Duration(config.AbsoluteTimeout, time.Minute, time.Hour)
		e.RestoredUntil()
		e.SessionsNotBefore(time.Now())
		e.StackID()
		e.Emulator()
		e.SecretsManager()
		e.Document()
		e.Mail()
		defaults := map[string]string{
			config.Profile: e.Profile().String(), config.HTTPResponse: e.HTTPResponse(), config.Deny: e.Deny(), config.SessionCheck: e.SessionCheck(),
		}
		for variable, value := range defaults {
			if ours[variable]["default"] != value {
				t.Errorf("docs/%s: the default of %s is %s, want %s", configurationPage, variable, ours[variable]["default"], value)
			}
		}
		for line := range strings.Lines(e.Err().Error()) {
			name, _, _ := strings.Cut(line, " ")
			missed[name] = true
		}
	}
	missed[config.JWKSFile] = missed[config.JWKS] // one of the two
	for _, table := range []map[string]map[string]string{ours, aws} {
		for variable, row := range table {
			if strings.HasPrefix(row["default"], "required") != missed[variable] {
				t.Errorf("docs/%s: the default of %s is %q, but the start without it fails: %v", configurationPage, variable, row["default"], missed[variable])
			}
		}
	}
}

// templateVariables returns the texts of the values that the template gives to each variable.
func templateVariables(t *testing.T) map[string][]string {
	t.Helper()
	values := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^ +(EDGEAUTH_[A-Z_]+): (.*)$`).FindAllStringSubmatch(template(t), -1) {
		values[m[1]] = append(values[m[1]], m[2])
	}
	return values
}

func template(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(document.Root(t), "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestParameters holds the table of parameters to the template.
func TestParameters(t *testing.T) {
	documented := rows(t, document.Read(t, configurationPage), "parameter")
	_, text, _ := strings.Cut(template(t), "\nParameters:\n")
	text = regexp.MustCompile(`(?m)^[A-Z]`).Split(text, 2)[0]
	var names []string
	for _, block := range regexp.MustCompile(`(?m)^  ([A-Z]\w+):\n((?:    .*\n|\n)+)`).FindAllStringSubmatch(text, -1) {
		name, property := block[1], func(key string) string {
			m := regexp.MustCompile(`(?m)^    ` + key + `: (.*)$`).FindStringSubmatch(block[2])
			if m == nil {
				return ""
			}
			return strings.Trim(m[1], "'")
		}
		names = append(names, name)
		row := documented[name]
		if row == nil {
			continue // told below
		}
		byDefault := property("Default")
		if byDefault == "" {
			byDefault = "–"
		}
		if row["default"] != byDefault {
			t.Errorf("docs/%s: the default of %s is %s, want %s", configurationPage, name, row["default"], byDefault)
		}
		accepted := strings.Split(strings.Trim(property("AllowedValues"), "[]"), ", ")
		switch {
		case property("MinValue") != "":
			accepted = []string{property("MinValue"), property("MaxValue")}
		case len(accepted) > 5:
			accepted = []string{accepted[0], accepted[len(accepted)-1]}
		case accepted[0] == "":
			accepted = nil
		}
		if accepted != nil && !slices.Equal(document.Words(row["accepted"]), accepted) {
			t.Errorf("docs/%s: %s accepts %s, want %q", configurationPage, name, row["accepted"], accepted)
		}
		var sets []string
		for variable, values := range templateVariables(t) {
			if slices.ContainsFunc(values, regexp.MustCompile(`\b`+name+`\b`).MatchString) {
				sets = append(sets, variable)
			}
		}
		if sets == nil {
			sets = []string{"–"}
		}
		slices.Sort(sets)
		if got := slices.Sorted(slices.Values(document.Words(row["sets"]))); !slices.Equal(got, sets) {
			t.Errorf("docs/%s: %s sets %q, want %q", configurationPage, name, got, sets)
		}
	}
	if len(names) == 0 {
		t.Fatal("no parameters in template.yaml")
	}
	sameNames(t, "parameters", documented, names)
}

// starts are the functions that read EDGEAUTH_CONFIG, with an environment that is good but for it.
type starts struct {
	t    *testing.T
	keys string
}

func newStarts(t *testing.T) starts {
	t.Helper()
	signing, err1 := keyrings.NewSigningRing(token.EdDSA, time.Now(), rand.Reader)
	refresh, err2 := keyrings.NewRefreshRing(time.Now(), rand.Reader)
	logins, err3 := keyrings.NewLoginRing(time.Now(), rand.Reader)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	for name, ring := range map[string]keyrings.Ring{config.SigningRing: signing, config.RefreshKeys: refresh, config.LoginRing: logins} {
		text, err := ring.Text()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, text.Reveal())
	}
	key, err := token.GenerateSigningKey(token.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := fmt.Sprintf(`{"keys":[%s]}`, key.Public().JWK())
	for name, value := range map[string]string{
		config.Issuer: "https://auth.example.com", config.Audience: "https://api.example.com", config.JWKS: keys, config.KeyVersion: "1",
		config.Store: "bolt:" + filepath.Join(t.TempDir(), "store.db"), config.AccessTokenLifetime: "15m", config.IdleTimeout: "336h", config.AbsoluteTimeout: "2160h",
	} {
		t.Setenv(name, value)
	}
	return starts{t, keys}
}

// start returns the error of a function that starts with this EDGEAUTH_CONFIG.
func (s starts) start(function, document string) (err error) {
	s.t.Helper()
	s.t.Setenv(config.Config, document)
	var h http.Handler
	switch function {
	case "login":
		h, err = service.Login(service.Options{Log: io.Discard})
	case "account":
		h, err = service.Account(service.Options{Log: io.Discard})
	case "refresh":
		h, err = service.Refresh(service.Options{Log: io.Discard})
	case "sessions":
		h, err = service.Sessions(service.Options{Log: io.Discard})
	case "authorizer":
		_, err = authorizer.FromEnvironment()
	case "session-authorizer":
		_, err = service.SessionAuthorizer(service.Options{Log: io.Discard})
	default:
		s.t.Fatalf("docs/%s: the unknown reader %q", configurationPage, function)
	}
	if err == nil && h == nil && !strings.HasSuffix(function, "authorizer") {
		s.t.Fatal("no handler")
	}
	return err
}

// nested are the members that hold members, each with a document whose innermost name is unknown.
var nested = map[string]struct{ reader, document string }{
	"audit.":      {"login", `{"audit":{"?":1}}`},
	"clients.*.":  {"login", `{"clients":{"web":{"?":1}}}`},
	"throttle.":   {"login", `{"throttle":{"?":1}}`},
	"throttle.*.": {"login", `{"throttle":{"account":{"?":1}}}`},
	"signup.":     {"login", `{"signup":{"?":1}}`},
	"codes.":      {"login", `{"codes":{"?":1}}`},
	"codes.*.":    {"login", `{"codes":{"address":{"?":1}}}`},
	"passwords.":  {"login", `{"passwords":{"?":1}}`},
	"cdn.":        {"login", `{"cdn":{"?":1}}`},
	"routes[].":   {"authorizer", `{"routes":[{"?":1}]}`},
	"issuers[].":  {"authorizer", `{"issuers":[{"?":1}]}`},
}

// TestMembers holds the table of members to what the functions read.
func TestMembers(t *testing.T) {
	s := newStarts(t)
	members := map[string]map[string]string{}
	for _, table := range document.Read(t, configurationPage).Tables("member") {
		for _, row := range table.Rows {
			members[row["member"]] = row
		}
	}
	names := config.DocumentNames()
	for prefix, probe := range nested {
		err := s.start(probe.reader, probe.document)
		if err == nil {
			t.Fatalf("%s: an unknown member passes", probe.document)
		}
		_, list, found := strings.Cut(err.Error(), "unknown member (want ")
		if !found {
			t.Fatalf("%s: %v", probe.document, err)
		}
		list, _, _ = strings.Cut(list, ")")
		for name := range strings.SplitSeq(list, ", ") {
			names = append(names, prefix+name)
		}
	}
	sameNames(t, "members", members, names)

	// Every reader of a member refuses a wrong value, and the other functions do not look at it.
	functions := []string{"account", "authorizer", "login", "refresh", "session-authorizer", "sessions"}
	for _, name := range config.DocumentNames() {
		var readers []string
		for _, function := range functions {
			if s.start(function, `{"`+name+`":1}`) != nil {
				readers = append(readers, function)
			}
		}
		for member, row := range members {
			if member != name && !strings.HasPrefix(member, name+".") && !strings.HasPrefix(member, name+"[") {
				continue
			}
			if got := slices.Sorted(slices.Values(document.Words(row["read by"]))); !slices.Equal(got, readers) {
				t.Errorf("docs/%s: %s is read by %q, want %q", configurationPage, member, got, readers)
			}
		}
	}
}

// TestBounds tries the bounds that the page names, and the values beyond them.
func TestBounds(t *testing.T) {
	s := newStarts(t)
	page := document.Read(t, configurationPage)
	members := map[string]string{}
	for _, table := range page.Tables("member") {
		for _, row := range table.Rows {
			members[row["member"]] = row["accepted"]
		}
	}
	quoted := func(list ...string) (all []string) {
		for _, text := range list {
			all = append(all, `"`+text+`"`)
		}
		return all
	}
	const limit = `{"throttle":{"account":{"delay":"1s","max_delay":"1s","window":"168h",%s}}}`
	for _, row := range []struct {
		member, document string
		good, bad        []string
	}{
		{"clients.*.profile", `{"clients":{"web":{"profile":%s}}}`, quoted("balanced", "strict", "fixed"), quoted("lax", "")},
		{"clients.*.access_token_lifetime", `{"clients":{"web":{"access_token_lifetime":%s}}}`, quoted("1m", "1h"), quoted("59s", "61m")},
		{"clients.*.idle_timeout", `{"clients":{"web":{"idle_timeout":%s}}}`, quoted("8760h"), quoted("8761h", "24m59s")},
		{"clients.*.absolute_timeout", `{"clients":{"web":{"absolute_timeout":%s}}}`, quoted("8760h"), quoted("8761h", "24m59s")},
		{"clients.*.delivery", `{"clients":{"web":{"delivery":[%s]}}}`, quoted("body", "cookie", "cookies", "session"), quoted("", "cookie\",\"cookie")},
		{"audit.network", `{"audit":{"network":%s}}`, []string{"true", "false"}, []string{"1", `"true"`, "null"}},
		{"audit.known_device", `{"audit":{"known_device":%s}}`, []string{"true", "false"}, []string{"0", `"yes"`}},
		{"throttle.*.free", fmt.Sprintf(limit, `"free":%s`), []string{"1", "1000"}, []string{"0", "1001"}},
		{"throttle.*.window", `{"throttle":{"account":{"delay":"1s","max_delay":"1s","window":%s}}}`, quoted("1m", "168h"), quoted("59s", "169h")},
		{"passwords.passes", `{"passwords":{"memory_kib":47104,"passes":%s}}`, []string{"1", "10"}, []string{"0", "11"}},
		{"passwords.min_characters", `{"passwords":{"min_characters":%s}}`, []string{"8", "64"}, []string{"7", "65"}},
		{"signup.admit", `{"signup":{"admit":%s}}`, quoted("off", "invited", "on"), quoted("all", "")},
		{"signup.domains", `{"signup":{"admit":"on","domains":[%s]}}`, quoted("example.com"), quoted("", "@example.com", "a b.example")},
		{"codes.*.free", `{"codes":{"budget":{"free":%s,"reserve":0}}}`, []string{"1", "1000"}, []string{"0", "1001"}},
		{"codes.*.window", `{"codes":{"budget":{"window":%s}}}`, quoted("1m", "168h"), quoted("59s", "169h")},
		{"codes.*.reserve", `{"codes":{"budget":{"reserve":%s}}}`, []string{"0"}, []string{"-1", "501"}},
		{"passwords.refusal_floor", `{"passwords":{"refusal_floor":%s}}`, quoted("3s"), quoted("3001ms")},
	} {
		for _, value := range row.good {
			if !slices.Contains(document.Words(members[row.member]), strings.Trim(value, `"`)) {
				t.Errorf("docs/%s: %s accepts %q, and %s is missing there", configurationPage, row.member, members[row.member], value)
			}
			if err := s.start("login", fmt.Sprintf(row.document, value)); err != nil {
				t.Errorf("%s = %s: %v", row.member, value, err)
			}
		}
		for _, value := range row.bad {
			if err := s.start("login", fmt.Sprintf(row.document, value)); err == nil {
				t.Errorf("%s = %s passes", row.member, value)
			}
		}
	}

	if least := session.DefaultRules().MinimumIdleTimeout(); least != 10*time.Minute {
		t.Errorf("docs/%s says ten minutes more than an access token, and the code %v", configurationPage, least)
	}
	for table, name := range map[string]string{"parameter": "AccessTokenLifetime", "variable": config.AccessTokenLifetime} {
		row := rows(t, page, table)[name]
		want := []string{short(token.MinLifetime), short(token.MaxLifetime)}
		if got := document.Words(row["accepted"] + row["holds"]); !slices.Equal(got, want) {
			t.Errorf("docs/%s: %s is from %q, want %q", configurationPage, name, got, want)
		}
	}
	for version, fits := range map[string]bool{"0": false, "1": true, "65534": true, "65535": false} {
		e := config.New(func(string) (string, bool) { return version, true })
		if e.KeyVersion(); (e.Err() == nil) != fits {
			t.Errorf("the key version %s: %v", version, e.Err())
		}
		if words := document.Words(rows(t, page, "variable")[config.KeyVersion]["holds"]); fits && !slices.Contains(words, version) {
			t.Errorf("docs/%s: %s is from %q", configurationPage, config.KeyVersion, words)
		}
	}
}

// short writes a duration as the page does.
func short(d time.Duration) string {
	return regexp.MustCompile(`([a-z])0[ms]`).ReplaceAllString(regexp.MustCompile(`([a-z])0s$`).ReplaceAllString(d.String(), "$1"), "$1")
}

// TestDefaults holds the defaults of members to the code.
func TestDefaults(t *testing.T) {
	members := map[string]string{}
	for _, table := range document.Read(t, configurationPage).Tables("member") {
		for _, row := range table.Rows {
			members[row["member"]] = row["default"]
		}
	}
	limits := login.DefaultLimits()
	want := map[string]string{}
	for _, l := range []struct {
		name                    string
		free                    int
		delay, maxDelay, window time.Duration
	}{
		{"account", limits.Account.Free, limits.Account.Delay, limits.Account.MaxDelay, limits.Account.Window},
		{"device", limits.Device.Free, limits.Device.Delay, limits.Device.MaxDelay, limits.Device.Window},
		{"network", limits.Network.Free, limits.Network.Delay, limits.Network.MaxDelay, limits.Network.Window},
		{"site", limits.Site.Free, limits.Site.Delay, limits.Site.MaxDelay, limits.Site.Window},
	} {
		want["throttle."+l.name] = fmt.Sprintf("free %d, delay %s, max_delay %s, window %s", l.free, short(l.delay), short(l.maxDelay), short(l.window))
	}
	mails := flow.DefaultLimits()
	for name, l := range map[string]throttle.Limit{"device": mails.Device, "address": mails.Address, "budget": mails.Budget} {
		want["codes."+name] = fmt.Sprintf("free %d, reserve %d, window %s", l.Free, l.Reserve, short(l.Window))
	}
	want["passwords.min_characters"] = fmt.Sprint(password.MinCharacters)
	hash, err := password.Hasher{}.Hash(auth.NewSecret("correct horse battery"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`m=(\d+),t=(\d+),p=1\$`).FindStringSubmatch(hash.Reveal())
	if m == nil {
		t.Fatal("a new hash has no cost")
	}
	want["passwords.memory_kib"], want["passwords.passes"] = m[1], m[2]
	for member, value := range want {
		if members[member] != value {
			t.Errorf("docs/%s: the default of %s is %q, want %q", configurationPage, member, members[member], value)
		}
	}

	// A required member is missed.
	s := newStarts(t)
	issuer := map[string]any{
		"issuer": "https://other.example.com", "jwks": json.RawMessage(s.keys), "audience": []string{"a"}, "audience_claim": "aud",
		"types": []string{"JWT"}, "lifetime": "1h", "claims": map[string]string{"use": "access"},
		"map": map[string]string{"roles": "groups"},
	}
	rule := map[string]any{"route": "GET /me", "api": "a1", "scopes": []string{"read"}, "roles": []string{"admin"}, "max_auth_age": "15m"}
	for list, whole := range map[string]map[string]any{"issuers": issuer, "routes": rule} {
		for _, without := range append(slices.Collect(maps.Keys(whole)), "") {
			part := maps.Clone(whole)
			delete(part, without)
			text, err := json.Marshal(map[string]any{list: []any{part}})
			if err != nil {
				t.Fatal(err)
			}
			missed := s.start("authorizer", string(text)) != nil
			if required := members[list+"[]."+without] == "required"; missed != required {
				t.Errorf("docs/%s: %s[].%s is required: %v; the start without it fails: %v", configurationPage, list, without, required, missed)
			}
		}
	}
}

// TestFunctions holds the table of functions to the folders of functions/ and to the table of routes.
func TestFunctions(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(document.Root(t), "functions", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var have, documented []string
	for _, folder := range folders {
		have = append(have, filepath.Base(folder))
	}
	answers := map[string]string{}
	for _, table := range document.Read(t, configurationPage).Tables("function") {
		for _, row := range table.Rows {
			documented = append(documented, row["function"])
			answers[row["function"]] = row["what it does"]
		}
	}
	for _, row := range route.Table() {
		if row.Function != "discovery" && !strings.Contains(answers[row.Function], "`"+row.Pattern+"`") {
			t.Errorf("docs/%s does not say that %s answers %s", configurationPage, row.Function, row.Pattern)
		}
	}
	slices.Sort(documented)
	if !slices.Equal(documented, have) {
		t.Errorf("docs/%s has the functions %q, and functions/ has %q", configurationPage, documented, have)
	}
}
