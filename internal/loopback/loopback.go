// Package loopback tells hosts that are this machine from hosts on a network. Plain http is safe on loopback only,
// where nothing on the network can listen in.
package loopback

import "net/netip"

// IsHost reports whether a URL's host name, without a port or brackets, is localhost or a loopback address.
func IsHost(host string) bool { return host == "localhost" || IsAddress(host) }

// IsAddress is IsHost without the name localhost, for which a resolver may have another answer.
func IsAddress(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
