package server

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Client returns the address that a request counts for.
func (b *Budget) Client(r *http.Request) netip.Addr { return b.client(r) }

// SetNow replaces the clock.
func (e *Events) SetNow(now func() time.Time) { e.now = now }

// Find returns a secret's token.
func (t *Tokens) Find(secret string) *Token { return t.find(secret) }

// Renew looks for changes.
func (c *Certificate) Renew() { c.renew() }

// Bounded returns l with a bound on its open connections and turns by client address, as
// [Serve] uses it.
func Bounded(l net.Listener, most int, events *Events) net.Listener {
	return newConns(most, events).bound(l, true)
}
