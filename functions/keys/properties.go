package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgeauth/edgeauth/internal/config"
	"github.com/edgeauth/edgeauth/internal/keyrings"
	"github.com/edgeauth/edgeauth/pkg/auth/token"
)

// The properties that this function reads. The other properties only change the stamp.
const (
	signingRingARN      = "SigningRingArn"
	refreshKeysARN      = "RefreshKeysArn"
	loginRingARN        = "LoginRingArn"
	keyVersion          = "KeyVersion"
	signingAlgorithm    = "SigningAlgorithm"
	dropKeys            = "DropKeys"
	dropRefreshKeys     = "DropRefreshKeys"
	dropLoginKeys       = "DropLoginKeys"
	takeOverStack       = "TakeOverStack"
	accessTokenLifetime = "AccessTokenLifetime"
	architecture        = "Architecture"
)

// architectures are those of Lambda.
var architectures = []string{"arm64", "x86_64"}

// goArchitecture returns Go's name for an architecture of Lambda. The Makefile takes Go's name.
func goArchitecture(of string) string {
	if of == "x86_64" {
		return "amd64"
	}
	return of
}

// properties are the values that the template requests.
type properties struct {
	signingRing, refreshKeys, loginRing string // ARNs of secrets
	version                             keyrings.Version
	algorithm                           token.Algorithm
	drop, dropRefresh, dropLogin        keyrings.Drop
	// takeOver is the id of the deleted stack whose rings this stack takes over.
	takeOver     string
	architecture string // of the stack's functions
	all          map[string]string
}

var (
	secretARN = regexp.MustCompile(`^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+$`)
	kid       = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`) // a thumbprint (RFC 7638)

	mayBeEmpty = []string{dropKeys, dropRefreshKeys, dropLoginKeys, takeOverStack}
)

// parse reads the properties of a request. The error names each wrong property and the accepted
// values.
func parse(raw map[string]any) (properties, error) {
	p := properties{all: map[string]string{}}
	var errs []error
	refuse := func(name, problem, want string) {
		errs = append(errs, fmt.Errorf("%s %s: it should hold %s", name, problem, want))
	}
	for name, value := range raw {
		if text, ok := text(value); ok {
			p.all[name] = text
		} else {
			refuse(name, "is a list or an object", "one value")
		}
	}
	read := func(name, want, byDefault string, take func(text string) bool) {
		text := p.all[name]
		if text == "" {
			text = byDefault
		}
		switch _, isScalar := p.all[name]; {
		case raw[name] != nil && !isScalar: // already refused
		case text == "" && byDefault == "" && !slices.Contains(mayBeEmpty, name):
			refuse(name, "is not set", want)
		case !take(text):
			refuse(name, "is wrong", want)
		}
	}
	const wantARN = "the ARN of a secret, as in arn:aws:secretsmanager:eu-central-1:123456789012:secret:name-AbCdEf"
	read(signingRingARN, wantARN, "", func(text string) bool {
		p.signingRing = text
		return secretARN.MatchString(text)
	})
	read(refreshKeysARN, wantARN+", and another than "+signingRingARN, "", func(text string) bool {
		p.refreshKeys = text
		return secretARN.MatchString(text) && text != p.signingRing
	})
	read(loginRingARN, wantARN+", and another than "+signingRingARN+" and "+refreshKeysARN, "", func(text string) bool {
		p.loginRing = text
		return secretARN.MatchString(text) && text != p.signingRing && text != p.refreshKeys
	})
	read(keyVersion, "the version of the keys that signs, a whole number from 1 to 65534", "", func(text string) bool {
		n, err := strconv.ParseUint(text, 10, 16)
		p.version = keyrings.Version(n)
		return err == nil && 1 <= n && n <= 65534
	})
	read(signingAlgorithm, "RS256, ES256 or EdDSA", string(token.RS256), func(text string) bool {
		var err error
		p.algorithm, err = token.ParseAlgorithm(text)
		return err == nil
	})
	read(dropKeys, "nothing, all, or kids separated by commas", "", func(text string) (ok bool) {
		p.drop, ok = parseDrop(text)
		return ok
	})
	for name, into := range map[string]*keyrings.Drop{dropRefreshKeys: &p.dropRefresh, dropLoginKeys: &p.dropLogin} {
		read(name, "nothing, all, or ids of keys separated by commas", "", func(text string) (ok bool) {
			*into, ok = parseDrop(text)
			return ok
		})
	}
	read(takeOverStack, "nothing, or the id of a stack, as in arn:aws:cloudformation:eu-central-1:123456789012:stack/name/guid", "",
		func(text string) bool {
			p.takeOver = text
			return text == "" || config.IsStackID(text)
		})
	read(architecture, strings.Join(architectures, " or "), "", func(text string) bool {
		p.architecture = text
		return slices.Contains(architectures, text)
	})
	wantLifetime := fmt.Sprintf("a duration from %v to %v", token.MinLifetime, token.MaxLifetime)
	read(accessTokenLifetime, wantLifetime, "", func(text string) bool {
		d, err := time.ParseDuration(text)
		return err == nil && token.MinLifetime <= d && d <= token.MaxLifetime
	})
	return p, errors.Join(errs...)
}

// text returns the text of a single value.
func text(value any) (text string, ok bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case float64, bool:
		// CloudFormation sends numbers and booleans as text, but does not document it.
		return fmt.Sprint(value), true
	}
	return "", false
}

func parseDrop(text string) (keyrings.Drop, bool) {
	switch text = strings.TrimSpace(text); text {
	case "":
		return keyrings.Drop{}, true
	case "all":
		return keyrings.Drop{All: true}, true
	}
	var d keyrings.Drop
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if !kid.MatchString(part) {
			return keyrings.Drop{}, false
		}
		d.IDs = append(d.IDs, part)
	}
	return d, true
}
