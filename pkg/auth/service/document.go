package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/pkg/auth/endpoint"
	"github.com/edgeauth/edgeauth/pkg/auth/flow"
	"github.com/edgeauth/edgeauth/pkg/auth/login"
	"github.com/edgeauth/edgeauth/pkg/auth/password"
	"github.com/edgeauth/edgeauth/pkg/auth/throttle"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// ReadConfig returns the settings that a text in the form of Settings.Config sets, for a program
// that works on the users of a service. An empty text sets nothing. The error names the member that
// is wrong.
func ReadConfig(text string) (Settings, error) {
	s := Settings{Config: text}
	if text == "" {
		return s, nil
	}
	return s, s.configure()
}

// configure applies s.Config to the other settings.
func (s *Settings) configure() error {
	e := config.New(func(name string) (string, bool) { return s.Config, name == config.Config })
	members := e.Document(config.DocumentNames()...)
	if err := e.Err(); err != nil {
		return err
	}
	return readDocument(members, s)
}

// readDocument reads the members of EDGEAUTH_CONFIG about logins and clients. The authorizer reads
// the other members.
func readDocument(members map[string]json.RawMessage, s *Settings) error {
	s.Throttle = login.DefaultLimits()
	err := readThrottle(members["throttle"], &s.Throttle)
	if err == nil {
		err = readPasswords(members["passwords"], s)
	}
	if err == nil {
		err = readSignUp(members["signup"], s)
	}
	if err == nil {
		err = readCodes(members["codes"], s)
	}
	if err == nil {
		err = readOrigins(members["origins"], s)
	}
	if err == nil {
		a := config.Audit{Network: s.LogNetwork, KnownDevice: s.LogKnownDevice}
		err = config.ReadAudit(string(members["audit"]), &a)
		s.LogNetwork, s.LogKnownDevice = a.Network, a.KnownDevice
	}
	if err == nil {
		err = readEmailClaims(members["email_claims"], s)
	}
	if err == nil {
		err = readCDN(members["cdn"], s)
	}
	if err == nil {
		err = readClients(members["clients"], s)
	}
	if err == nil {
		err = checkReauthOn(*s)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", config.Config, err)
	}
	return nil
}

func readOrigins(raw json.RawMessage, s *Settings) (err error) {
	if raw == nil {
		return nil
	}
	if s.Origins, err = config.ReadWords(string(raw)); err != nil {
		return config.AtMember("origins", err)
	}
	return nil
}

// readCDN reads the secrets by which the CDN proves itself.
func readCDN(raw json.RawMessage, s *Settings) error {
	if raw == nil {
		return nil
	}
	err := config.ReadMembers(string(raw), func(name, raw string) (err error) {
		if name != "secret_sha256" {
			return errors.New("unknown member (want secret_sha256)")
		}
		if s.CDNSecretHashes, err = config.ReadWords(raw); err != nil {
			return err
		}
		_, err = endpoint.NewResponder(endpoint.ResponderConfig{Issuer: new(token.Issuer), CDNSecretHashes: s.CDNSecretHashes})
		return errors.Unwrap(err)
	})
	if err == nil && len(s.CDNSecretHashes) == 0 {
		err = errors.New("secret_sha256 is missing (want a list of the SHA-256 of the secret that the CDN sends)")
	}
	return config.AtMember("cdn", err)
}

// readEmailClaims reads whether access tokens have the claims about the e-mail. The value applies
// to all clients without their own value.
func readEmailClaims(raw json.RawMessage, s *Settings) (err error) {
	if raw == nil {
		return nil
	}
	s.Client.EmailClaims, err = config.ReadSwitch(string(raw))
	return config.AtMember("email_claims", err)
}

// readThrottle changes the limits in the document and leaves the other limits unchanged.
func readThrottle(raw json.RawMessage, limits *login.Limits) error {
	if raw == nil {
		return nil
	}
	siteSet := false
	err := config.ReadMembers(string(raw), func(name, raw string) error {
		switch name {
		case "account":
			return readLimit(raw, &limits.Account)
		case "device":
			return readLimit(raw, &limits.Device)
		case "network":
			return readOptionalLimit(raw, &limits.Network)
		case "site":
			siteSet = raw != off
			return readOptionalLimit(raw, &limits.Site)
		}
		return errors.New("unknown member (want account, device, network, site)")
	})
	if err == nil && limits.Network == nil { // in this deployment the gateway sees the addresses of a CDN
		if siteSet {
			err = errors.New(`"site" must be omitted or "off" if "network" is "off"`)
		}
		limits.Site = nil
	}
	if err == nil {
		err = limits.Validate()
	}
	return config.AtMember("throttle", err)
}

const off = `"off"`

// readOptionalLimit reads a limit that can be switched off.
func readOptionalLimit(raw string, l **throttle.Limit) error {
	if raw == off {
		*l = nil
		return nil
	}
	if !strings.HasPrefix(raw, "{") {
		return errors.New(`expected a JSON object or "off"`)
	}
	return readLimit(raw, *l)
}

func readLimit(raw string, l *throttle.Limit) error {
	return config.ReadMembers(raw, func(name, raw string) (err error) {
		switch name {
		case "free":
			l.Free, err = readNumber(raw)
		case "delay":
			l.Delay, err = config.ReadDuration(raw)
		case "max_delay":
			l.MaxDelay, err = config.ReadDuration(raw)
		case "window":
			l.Window, err = config.ReadDuration(raw)
		default:
			err = errors.New("unknown member (want free, delay, max_delay, window)")
		}
		return err
	})
}

func readPasswords(raw json.RawMessage, s *Settings) error {
	if raw == nil {
		return nil
	}
	cost := password.Cost{}
	err := config.ReadMembers(string(raw), func(name, raw string) (err error) {
		n := 0
		switch name {
		case "memory_kib":
			n, err = readNumber(raw)
			cost.MemoryKiB = uint32(n)
		case "passes":
			n, err = readNumber(raw)
			cost.Passes = uint32(n)
		case "refusal_floor":
			s.RefusalFloor, err = config.ReadDuration(raw)
		case "min_characters":
			if s.Policy.MinCharacters, err = readNumber(raw); err == nil {
				err = s.Policy.Validate()
			}
		default:
			err = errors.New("unknown member (want memory_kib, min_characters, passes, refusal_floor)")
		}
		return err
	})
	if err == nil && (cost.MemoryKiB == 0) != (cost.Passes == 0) {
		err = errors.New("memory_kib and passes must be set together")
	}
	if err == nil && s.RefusalFloor > maxRefusalFloor {
		err = fmt.Errorf("refusal_floor is %v (want at most %v)", s.RefusalFloor, maxRefusalFloor)
	}
	if err == nil && cost != (password.Cost{}) {
		cost.Lanes = 1 // functions rarely have more than one processor
		s.PasswordCost, err = cost, cost.Validate()
	}
	return config.AtMember("passwords", err)
}

// readSignUp reads who may sign up.
func readSignUp(raw json.RawMessage, s *Settings) error {
	if raw == nil {
		return nil
	}
	var rules flow.SignUp
	if s.SignUp != nil {
		rules.Ask = s.SignUp.Ask
	}
	given := false
	err := config.ReadMembers(string(raw), func(name, raw string) (err error) {
		switch name {
		case "admit":
			var text string
			if text, err = config.ReadString(raw); err == nil {
				rules.Admit, err = flow.ParseAdmission(text)
			}
			given = true
		case "domains":
			rules.Domains, err = config.ReadWords(raw)
		default:
			err = errors.New("unknown member (want admit, domains)")
		}
		return err
	})
	if err == nil && !given {
		err = errors.New(`admit is missing (want "off", "invited" or "on")`)
	}
	if err == nil {
		err = rules.Validate()
	}
	s.SignUp = &rules
	return config.AtMember("signup", err)
}

// readCodes changes the limits of mails in the document and leaves the other limits unchanged.
func readCodes(raw json.RawMessage, s *Settings) error {
	if raw == nil {
		return nil
	}
	limits := flow.DefaultLimits()
	of := map[string]*throttle.Limit{"address": &limits.Address, "budget": &limits.Budget, "device": &limits.Device}
	err := config.ReadMembers(string(raw), func(name, raw string) error {
		limit, known := of[name]
		if !known {
			return errors.New("unknown member (want address, budget, device)")
		}
		if err := readMails(raw, limit); err != nil {
			return err
		}
		return limits.Validate() // the other limits are valid, so an error is about this limit
	})
	s.Codes = limits
	return config.AtMember("codes", err)
}

// readMails reads a limit of mails.
func readMails(raw string, l *throttle.Limit) error {
	n, reserve, window := l.Free, l.Reserve, l.Window
	err := config.ReadMembers(raw, func(name, raw string) (err error) {
		switch name {
		case "free":
			n, err = readNumber(raw)
		case "reserve":
			if reserve = 0; raw != "0" {
				reserve, err = readNumber(raw)
			}
		case "window":
			window, err = config.ReadDuration(raw)
		default:
			err = errors.New("unknown member (want free, reserve, window)")
		}
		return err
	})
	*l = flow.Once(n, reserve, window)
	return err
}

// maxRefusalFloor leaves a function time to answer.
const maxRefusalFloor = 3 * time.Second

func readNumber(raw string) (int, error) {
	var n int
	if err := json.Unmarshal([]byte(raw), &n); err != nil || n < 1 || n > 1<<20 {
		return 0, errors.New("want a whole number from 1 to 1048576")
	}
	return n, nil
}
