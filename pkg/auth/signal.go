package auth

import (
	"fmt"
	"slices"
	"strings"
)

// Signal names something unusual about a refresh: a difference between the request and what the
// session remembers. A signal proves nothing: people travel and change their browsers. The audit
// log, the list of sessions and the configuration use these words.
type Signal string

const (
	// NetworkChanged means that the session does not remember the network of the request.
	NetworkChanged Signal = "network_changed"
	// TwoNetworks means that the session was refreshed from another network of the same address
	// family less than the minimum interval between two rotations ago.
	TwoNetworks Signal = "two_networks"
	// UserAgentChanged means that the session does not remember the program of the request. Another
	// version of a known program is no change.
	UserAgentChanged Signal = "user_agent_changed"
	// CountryChanged means that the session does not remember the country of the request. Only a
	// CDN tells the country.
	CountryChanged Signal = "country_changed"
	// ImpossibleTravel means that a person cannot have travelled from the place of the last refresh
	// to the place of the request in the time between them. Only a CDN tells the place.
	ImpossibleTravel Signal = "impossible_travel"
)

// Signals returns every signal, in a new slice.
func Signals() []Signal {
	return []Signal{NetworkChanged, TwoNetworks, UserAgentChanged, CountryChanged, ImpossibleTravel}
}

// Reauthenticates reports whether a client can ask for a login because of s; see [Client.ReauthOn].
// A repeated request shows such a signal again, so a retry is refused too. The other signals
// compare a request with the request before it, so a retry would pass.
func (s Signal) Reauthenticates() bool {
	return s == NetworkChanged || s == UserAgentChanged || s == CountryChanged
}

// CheckReauthOn returns an error unless the signals are distinct and each [Signal.Reauthenticates].
func CheckReauthOn(signals []Signal) error {
	for i, s := range signals {
		if !s.Reauthenticates() || slices.Contains(signals[:i], s) {
			return fmt.Errorf("entry %d, %q, is repeated, unknown or only logged (want each of %s at most once)", i+1, string(s),
				strings.Join([]string{string(NetworkChanged), string(UserAgentChanged), string(CountryChanged)}, ", "))
		}
	}
	return nil
}
