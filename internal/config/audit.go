package config

import (
	"errors"
	"strconv"
	"strings"
)

const wantNamespace = "a namespace of CloudWatch: 1 to 255 letters, digits and .-_/#: of ASCII, which begin with neither AWS/ nor a colon; empty for no metrics"

// Metrics returns the CloudWatch namespace of the metrics in the audit lines, or "" for lines without
// metrics.
func (e *Environment) Metrics() string {
	text, ok := e.optional(Metrics)
	if ok && !isNamespace(text) {
		e.refuse(Metrics, "is not a namespace", wantNamespace)
		return ""
	}
	return text
}

// CheckNamespace returns an error if metrics must not have this namespace.
func CheckNamespace(text string) error {
	if !isNamespace(text) {
		return errors.New("want " + wantNamespace)
	}
	return nil
}

func isNamespace(text string) bool {
	const others = ".-_/#:"
	strange := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(others, r))
	}
	return text != "" && len(text) <= 255 && !strings.ContainsFunc(text, strange) &&
		!strings.HasPrefix(text, "AWS/") && text[0] != ':'
}

// MaxSample bounds Audit.SampleAllows: with a greater value, the metrics of a small API would be
// noise.
const MaxSample = 1000

// Audit is the member audit of EDGEAUTH_CONFIG.
type Audit struct {
	Network, KnownDevice bool
	// SampleAllows is the number n if an authorizer writes one line for n allowed requests, or 0.
	SampleAllows int
}

// ReadAudit reads the member audit of EDGEAUTH_CONFIG, which several functions share, into a. It
// does not change a field that the member does not set. raw may be empty.
func ReadAudit(raw string, a *Audit) error {
	if raw == "" {
		return nil
	}
	err := ReadMembers(raw, func(name, raw string) (err error) {
		switch name {
		case "network":
			a.Network, err = ReadSwitch(raw)
		case "known_device":
			a.KnownDevice, err = ReadSwitch(raw)
		case "sample_allows":
			if a.SampleAllows, err = strconv.Atoi(raw); err != nil || a.SampleAllows < 1 || a.SampleAllows > MaxSample {
				err = errors.New("want a whole number from 1 to " + strconv.Itoa(MaxSample))
			}
		default:
			err = errors.New("unknown member (want known_device, network, sample_allows)")
		}
		return err
	})
	return AtMember("audit", err)
}
