package server

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// Budget bounds the requests in flight. 0 = no bound.
type Budget struct {
	// PerToken is the bound for each token.
	PerToken int
	// PerAddress is the bound for each client address; a /64 of IPv6 counts as one.
	PerAddress int
	// Trusted are the networks of proxies whose X-Forwarded-For is used.
	Trusted []netip.Prefix

	mu        sync.Mutex
	addresses map[netip.Addr]int // addresses with requests in flight only, which bounds its size
}

// ParseNetworks parses networks, such as 10.0.0.0/8, separated by commas. A single address
// is a network of one.
func ParseNetworks(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if a, err := netip.ParseAddr(part); err == nil {
			list = append(list, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, errors.New("want networks such as 10.0.0.0/8,fd00::/8, with commas between them")
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// token counts a request of a token. It returns false if the token is at its bound.
func (b *Budget) token(t *Token) bool {
	if b == nil || b.PerToken == 0 || t == nil {
		return true
	}
	if t.inFlight.Add(1) > int64(b.PerToken) {
		t.inFlight.Add(-1)
		return false
	}
	return true
}

// tokenEnd uncounts a request of a token.
func (b *Budget) tokenEnd(t *Token) {
	if b != nil && b.PerToken != 0 && t != nil {
		t.inFlight.Add(-1)
	}
}

// address counts a request of a client's address. Ok is false if the address is at its
// bound. A client without an address, as on a Unix socket, is not counted.
func (b *Budget) address(r *http.Request) (client netip.Addr, ok bool) {
	if b == nil || b.PerAddress == 0 {
		return netip.Addr{}, true
	}
	client = b.client(r)
	if !client.IsValid() {
		return client, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.addresses == nil {
		b.addresses = map[netip.Addr]int{}
	}
	if b.addresses[client] >= b.PerAddress {
		return netip.Addr{}, false
	}
	b.addresses[client]++
	return client, true
}

// addressEnd uncounts a request of an address.
func (b *Budget) addressEnd(client netip.Addr) {
	if !client.IsValid() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.addresses[client]--; b.addresses[client] == 0 {
		delete(b.addresses, client)
	}
}

// client returns the client's address of a request: that of the connection, or if that is
// a trusted proxy, the last address in X-Forwarded-For that is no trusted proxy.
func (b *Budget) client(r *http.Request) netip.Addr {
	a := parseAddress(r.RemoteAddr)
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(list) - 1; i >= 0 && b.trusts(a); i-- {
		next := parseAddress(strings.TrimSpace(list[i]))
		if !next.IsValid() {
			break
		}
		a = next
	}
	return networkOf(a)
}

// network returns the address that identifies a client, for an address with a port; the
// zero Addr if there is none, as for a Unix socket.
func network(remote string) netip.Addr { return networkOf(parseAddress(remote)) }

// networkOf returns the /64 of an IPv6 address, and other addresses unchanged.
func networkOf(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

func (b *Budget) trusts(a netip.Addr) bool {
	for _, p := range b.Trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddress parses an address with or without a port; the zero Addr = it is no address.
func parseAddress(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
