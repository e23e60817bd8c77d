// Package sender tells the senders of connections and requests apart.
package sender

import "net/netip"

// Of returns what counts as one sender: an IPv4 address, or the network that one
// holder of IPv6 addresses has at least. remote is host:port; anything else is one
// sender, too.
func Of(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := at.Addr().Unmap(), 64
	if addr.Is4() {
		bits = 32
	}
	network, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
