// Package loopback recognizes hosts that are this machine. Plain http is safe only on loopback,
// because other machines cannot intercept it.
package loopback

import "net/netip"

// IsHost reports whether the host of a URL, without port and brackets, is localhost or a loopback
// address.
func IsHost(host string) bool { return host == "localhost" || IsAddress(host) }

// IsAddress is like IsHost but does not accept localhost, which a resolver may map to another
// address.
func IsAddress(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
