package server

import (
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
