package throttle

import "net/netip"

// Network returns the smallest block that one subscriber has: the /32 of an IPv4 address or the /64
// of an IPv6 address. It is the zero Prefix for the zero Addr.
func Network(a netip.Addr) netip.Prefix { return prefix(a, 32, 64) }

// Site returns the block that one customer of a provider, or one tenant of a data centre, can have
// at no extra cost: the /24 of an IPv4 address or the /48 of an IPv6 address (RFC 6177, section 2).
// It is the zero Prefix for the zero Addr.
func Site(a netip.Addr) netip.Prefix { return prefix(a, 24, 48) }

func prefix(a netip.Addr, v4, v6 int) netip.Prefix {
	a = a.Unmap() // an IPv4 address inside IPv6; otherwise all IPv4 clients would share one /64
	bits := v6
	if a.Is4() {
		bits = v4
	}
	p, _ := a.Prefix(bits) // fails only for invalid lengths
	return p
}
