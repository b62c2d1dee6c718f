package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/session"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// clients returns the default client and the configured clients. The default client always exists:
// the configuration of a second application must not lock out the first, which never sent a
// client_id.
func (s Settings) clients() endpoint.Clients {
	first := s.Client
	if first.ID == "" { // the refresh function reads no client, because it opens no session
		first.ID = auth.DefaultClient
	}
	all := endpoint.Clients{first.ID: first}
	for _, c := range s.Clients {
		all[c.ID] = c
	}
	return all
}

// audiences returns the audiences of all clients, to verify the tokens that this service issues.
func (s Settings) audiences() []string {
	all := slices.Clone(s.Audience)
	for _, c := range s.clients() {
		all = append(all, c.Audience...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// readClients reads the clients of the document. A member that a client omits has the value of the
// environment. This applies to the default client too.
func readClients(raw json.RawMessage, s *Settings) error {
	if raw == nil {
		return nil
	}
	environment := s.Client
	err := config.ReadMembers(string(raw), func(id, raw string) error {
		c := environment
		c.ID = auth.ClientID(id)
		if err := checkClientID(id); err != nil {
			return err
		}
		if err := readClient(raw, &c); err != nil {
			return err
		}
		if err := checkTimeouts(c, s.AccessTokenLifetime); err != nil {
			return err
		}
		if c.ID == auth.DefaultClient {
			s.Client = c
		} else {
			s.Clients = append(s.Clients, c)
		}
		return nil
	})
	return config.AtMember("clients", err)
}

func readClient(raw string, c *auth.Client) error {
	return config.ReadMembers(raw, func(name, raw string) (err error) {
		var text string
		switch name {
		case "profile":
			if text, err = config.ReadString(raw); err == nil {
				c.Profile, err = auth.ParseProfile(text)
			}
		case "access_token_lifetime":
			c.AccessTokenLifetime, err = config.ReadDuration(raw)
			if err == nil && !isLifetime(c.AccessTokenLifetime) {
				err = fmt.Errorf("want a duration from %v to %v", token.MinLifetime, token.MaxLifetime)
			}
		case "idle_timeout":
			c.IdleTimeout, err = config.ReadDuration(raw)
		case "absolute_timeout":
			c.AbsoluteTimeout, err = config.ReadDuration(raw)
			c.OpaqueTimeout = c.AbsoluteTimeout // the operator has chosen it for this client
		case "scope":
			c.Scope, err = readDistinct(raw, maxScopeBytes, isScopeToken)
		case "audience":
			c.Audience, err = readDistinct(raw, maxAudienceBytes, isAudience)
		case "email_claims":
			c.EmailClaims, err = config.ReadSwitch(raw)
		case "max_sessions":
			c.MaxSessions, err = readMaxSessions(raw)
		case "delivery":
			c.Delivery, err = readDeliveries(raw)
		case "reauth_on":
			c.ReauthOn, err = readReauthOn(raw)
		default:
			err = errors.New("unknown member (want profile, access_token_lifetime, idle_timeout, " +
				"absolute_timeout, scope, audience, email_claims, max_sessions, delivery, reauth_on)")
		}
		return err
	})
}

// readDeliveries reads the deliveries that a login may ask for. The first entry is the default.
func readDeliveries(raw string) ([]auth.Delivery, error) {
	words, err := config.ReadWords(raw)
	if err != nil {
		return nil, fmt.Errorf(`want a list of "body", "cookie", "cookies" and "session", whose first entry is the default: %w`, err)
	}
	all := make([]auth.Delivery, len(words))
	for i, word := range words {
		if all[i], err = auth.ParseDelivery(word); err != nil {
			return nil, config.AtElement(i, err)
		}
	}
	return all, checkDeliveries(all)
}

// readReauthOn reads the signals for which a client asks for a login.
func readReauthOn(raw string) ([]auth.Signal, error) {
	words, err := config.ReadWords(raw)
	if err != nil {
		return nil, err
	}
	all := make([]auth.Signal, len(words))
	for i, word := range words {
		all[i] = auth.Signal(word)
	}
	return all, auth.CheckReauthOn(all)
}

// reauthOn returns the clients that ask for a login because of a signal, in a fixed order.
func (s Settings) reauthOn() map[auth.Signal][]auth.ClientID {
	all := map[auth.Signal][]auth.ClientID{}
	clients := s.clients()
	for _, id := range slices.Sorted(maps.Keys(clients)) {
		for _, signal := range clients[id].ReauthOn {
			all[signal] = append(all[signal], id)
		}
	}
	return all
}

// maxReauthClients is the number of clients that the condition of one write can name.
const maxReauthClients = 50

// checkReauthOn checks three rules for clients with signals. A client that uses the country needs a
// CDN that tells it. The condition of one write must be able to name all clients. A client must not
// open opaque sessions, because they have no refreshes and so show no signals.
func checkReauthOn(s Settings) error {
	clients := s.clients()
	for signal, ids := range s.reauthOn() {
		for _, id := range ids {
			if slices.Contains(clients[id].Delivery, auth.DeliverySession) {
				return fmt.Errorf("client %q has reauth_on %s and the delivery session, whose sessions show no signals (want only one of the two)", id, signal)
			}
		}
		if signal == auth.CountryChanged && len(s.CDNSecretHashes) == 0 {
			return fmt.Errorf("client %q has reauth_on %s without a CDN that tells the country (want the member cdn, or Settings.CDNSecretHashes)", ids[0], signal)
		}
		if len(ids) > maxReauthClients {
			return fmt.Errorf("%d clients have reauth_on %s (want at most %d)", len(ids), signal, maxReauthClients)
		}
	}
	return nil
}

// checkNoOpaque checks that no client is configured to get opaque sessions, in a deployment whose
// session authorizer reads the list of revocations: no authorizer of the deployment would accept
// their tokens.
func checkNoOpaque(s Settings) error {
	clients := s.clients()
	for _, id := range slices.Sorted(maps.Keys(clients)) {
		if slices.Contains(clients[id].Delivery, auth.DeliverySession) {
			err := fmt.Errorf("%s is %s, which refuses every session cookie (want a delivery without session, or %[1]s %[3]s)",
				config.SessionCheck, config.CheckRevocations, config.CheckSession)
			return config.AtMember("clients", config.AtName(string(id), config.AtName("delivery", err)))
		}
	}
	return nil
}

// checkDeliveries checks the deliveries of a client. An empty list allows all of them.
func checkDeliveries(all []auth.Delivery) error {
	for i, d := range all {
		if !d.Valid() || slices.Contains(all[:i], d) {
			return fmt.Errorf("entry %d, %v, is unknown or repeated (want each of body, cookie, cookies and session at most once)", i+1, d)
		}
	}
	return nil
}

// maxMaxSessions is the largest limit of sessions. A login reads all sessions of its client by one
// query.
const maxMaxSessions = 100

func readMaxSessions(raw string) (int, error) {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || n > maxMaxSessions {
		return 0, fmt.Errorf("want an integer from 1 to %d (without the member there is no limit)", maxMaxSessions)
	}
	return n, nil
}

// checkTimeouts checks that the timeouts of a client fit the lifetime of its access tokens. A
// function that opens no sessions does not read the timeouts of the environment. They are zero in
// this function and are not checked.
func checkTimeouts(c auth.Client, lifetime time.Duration) error {
	if c.AccessTokenLifetime != 0 {
		lifetime = c.AccessTokenLifetime
	}
	for _, t := range []struct {
		name  string
		value time.Duration
	}{{"idle_timeout", c.IdleTimeout}, {"absolute_timeout", c.AbsoluteTimeout}} {
		if t.value == 0 {
			continue
		}
		if err := checkTimeout(t.value, lifetime); err != nil {
			return config.AtName(t.name, err)
		}
	}
	return nil
}

// checkTimeout checks one timeout of a client whose access tokens have this lifetime.
func checkTimeout(d, lifetime time.Duration) error {
	// A client refreshes when its access token ends, and its session must still be open at that
	// time.
	rest := session.DefaultRules().MinimumIdleTimeout()
	if d < lifetime+rest || d > maxTimeout {
		return fmt.Errorf("%v is out of range (want at least %v, which is the lifetime of an access token, %v, and %v more, and at most %v)",
			d, lifetime+rest, lifetime, rest, maxTimeout)
	}
	return nil
}

// maxClientIDBytes keeps tokens and items small, because both contain the client id.
const maxClientIDBytes = 64

// checkClientID applies RFC 6749, appendix A.1, but does not allow a space.
func checkClientID(id string) error {
	outside := func(r rune) bool { return r <= ' ' || r > '~' }
	if id == "" || len(id) > maxClientIDBytes || strings.ContainsFunc(id, outside) {
		return fmt.Errorf("a client id must have 1 to %d printable ASCII characters without spaces", maxClientIDBytes)
	}
	return nil
}

// Every session item contains the scope, and every access token contains both.
const (
	maxScopeBytes    = 512
	maxAudienceBytes = 1024
)

func readDistinct(raw string, most int, fits func(string) bool) ([]string, error) {
	list, err := config.ReadWords(raw)
	if err != nil {
		return nil, err
	}
	if err := checkDistinct(list, most, fits); err != nil {
		return nil, err
	}
	return list, nil
}

// checkDistinct checks the entries of a list, which may be empty.
func checkDistinct(list []string, most int, fits func(string) bool) error {
	for i, text := range list {
		if !fits(text) || slices.Contains(list[:i], text) {
			return fmt.Errorf("entry %d is empty, repeated or has an invalid character", i+1)
		}
	}
	if len(strings.Join(list, " ")) > most {
		return fmt.Errorf("the entries have more than %d bytes in total", most)
	}
	return nil
}

// isScopeToken reports whether text is a scope-token of RFC 6749, section 3.3.
func isScopeToken(text string) bool {
	outside := func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }
	return text != "" && !strings.ContainsFunc(text, outside)
}

// isAudience refuses audiences that an authorizer cannot be configured with, because its list is
// separated by spaces.
func isAudience(text string) bool {
	outside := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return text != "" && !strings.ContainsFunc(text, outside)
}
