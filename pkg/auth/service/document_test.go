package service

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
)

func settingsOf(t *testing.T, document string) (Settings, error) {
	t.Helper()
	e := config.New(variables{config.Config: document}.lookup)
	members := e.Document(config.DocumentNames()...)
	if err := e.Err(); err != nil {
		t.Fatal(err)
	}
	var s Settings
	return s, readDocument(members, &s)
}

func TestDocument(t *testing.T) {
	s, err := settingsOf(t, `{"origins":["https://app.example.com"],"throttle":{"account":{"free":3,"max_delay":"1h"},"network":"off"},
		"audit":{"network":true,"known_device":true},"passwords":{"memory_kib":47104,"passes":1,"refusal_floor":"800ms"}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := login.DefaultLimits()
	want.Account.Free, want.Account.MaxDelay, want.Network, want.Site = 3, time.Hour, nil, nil
	if !s.LogNetwork || !s.LogKnownDevice {
		t.Errorf("the audit log: %t, %t", s.LogNetwork, s.LogKnownDevice)
	}
	if s.Throttle != want || s.PasswordCost != (password.Cost{MemoryKiB: 47104, Passes: 1, Lanes: 1}) || s.RefusalFloor != 800*time.Millisecond ||
		!slices.Equal(s.Origins, []string{"https://app.example.com"}) {
		t.Errorf("%+v", s)
	}
	for document, tells := range map[string]string{
		`{"origins":[]}`:                                                `origins: the list is empty`,
		`{"origins":"https://app.example.com"}`:                         `origins`,
		`{"throttle":{"accounts":{}}}`:                                  `"accounts": unknown member`,
		`{"throttle":{"account":{"tries":5}}}`:                          `"tries": unknown member`,
		`{"throttle":{"account":{"free":0}}}`:                           `"free": want a whole number`,
		`{"throttle":{"account":{"free":1e9}}}`:                         `"free": want a whole number`,
		`{"throttle":{"account":{"delay":5}}}`:                          `"delay"`,
		`{"throttle":{"device":{"delay":"0s"}}}`:                        `"delay": want a duration above 0`,
		`{"throttle":{"network":{"max_delay":"48h"}}}`:                  `the network limit's MaxDelay`,
		`{"throttle":{"network":false}}`:                                `"network"`,
		`{"throttle":{"network":"on"}}`:                                 `"network": expected a JSON object or "off"`,
		`{"codes":{"address":{"free":40}}}`:                             `"address": flow: the address limit`,
		`{"throttle":{"site":{"free":9},"network":"off"}}`:              `"site" must be omitted`,
		`{"throttle":{"account":{"max_delay":"24h","delay":"1s"}}}`:     `at most 8192 times Delay`,
		`{"audit":{"address":true}}`:                                    `"address": unknown member (want known_device, network, sample_allows)`,
		`{"audit":{"network":1}}`:                                       `"network": want true or false`,
		`{"audit":true}`:                                                `audit`,
		`{"cdn":{}}`:                                                    `secret_sha256 is missing`,
		`{"cdn":{"secret":"x"}}`:                                        `"secret": unknown member (want secret_sha256)`,
		`{"cdn":{"secret_sha256":["` + strings.Repeat("0", 63) + `"]}}`: `entry 1 is not a SHA-256`,
		`{"cdn":{"secret_sha256":["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}`: `entry 1 is the hash of an empty secret`,
		`{"clients":{"web":{"reauth_on":["network_changed"],"delivery":["cookies","session"]}}}`:         `"web" has reauth_on network_changed and the delivery session`,
		`{"clients":{"web":{"reauth_on":["two_networks"]}}}`:                                             `is repeated, unknown or only logged (want each of network_changed, user_agent_changed, country_changed`,
		`{"clients":{"web":{"reauth_on":["country_changed"]}}}`:                                          `without a CDN that tells the country`,
		`{"throttle":[]}`: `throttle`,
		`{"passwords":{"memory_kib":1024,"passes":2}}`:                   `password cost m=1024`,
		`{"passwords":{"memory_kib":19456}}`:                             `must be set together`,
		`{"passwords":{"refusal_floor":"1h"}}`:                           `refusal_floor is 1h0m0s (want at most`,
		`{"passwords":{"cost":12}}`:                                      `"cost": unknown member`,
		`{"passwords":{"passes":"2","memory_kib":19456}}`:                `"passes": want a whole number`,
		`{"throttle":{"network":"off","account":{"window":"9000000h"}}}`: `account`,
	} {
		if _, err := settingsOf(t, document); err == nil || !strings.Contains(err.Error(), tells) || !strings.Contains(err.Error(), config.Config) {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// TestLoginPage compares the page about login with the code: its configuration starts, and its
// numbers are those of the limits.
func TestLoginPage(t *testing.T) {
	text, err := os.ReadFile("../../../docs/login.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		if _, err := settingsOf(t, block[1]); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
	limits := login.DefaultLimits()
	hourly := limits.Account
	hourly.MaxDelay = time.Hour
	for begins, l := range map[string]throttle.Limit{"| of an account ": limits.Account, "| of a known device ": limits.Device, "| of a network ": *limits.Network,
		"| of a site ": *limits.Site} {
		ends := "| " + strconv.Itoa(l.Most(time.Hour)) + " | " + strconv.Itoa(l.Most(24*time.Hour)) + " |"
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(begins) + `.*` + regexp.QuoteMeta(ends) + `$`).MatchString(page) {
			t.Errorf("no line %q with %q", begins, ends)
		}
	}
	if !strings.Contains(page, "("+strconv.Itoa(hourly.Most(24*time.Hour))+" tries in the worst 24 hours)") {
		t.Errorf("with an hour's wait there are %d", hourly.Most(24*time.Hour))
	}
}
