package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Store is the configuration of a syncer and of the store by which nodes share usage. The engine
// does not use it. A zero field is the default of package syncer or of the store.
type Store struct {
	// URL is the server's address, valkey:// or valkeys:// (TLS), with its
	// credentials and its options in the query, such as cluster=true; "" = usage
	// is not shared.
	URL Secret
	// Missing is an environment variable without a value that the address is made of:
	// there is a store, and it cannot be reached; "" = none is missing.
	Missing string
	// Namespace is put before every key.
	Namespace string
	// KeyFormat is plimsoll or litellm; "" = plimsoll.
	KeyFormat string
	// Mode is how the nodes keep limits together that have no [Sync]: usage, escrow or auto;
	// "" = the file has none, and the reader's default applies.
	Mode string
	// Nodes is how many nodes are assumed until the store has reported how many there are; 0 = one.
	Nodes int
	// Outage is what a node admits while the store does not reply: share, open or closed;
	// "" = share.
	Outage string
	// Buckets is the number of buckets over which deployments are spread. Each is exchanged in a
	// batch of its own. 0 = the store's default.
	Buckets int
	// TTL is how long the keys of the litellm format live; 0 = the store's default.
	TTL time.Duration
	// Interval is the time between exchanges, Timeout how long one may take; 0 = the syncer's
	// defaults.
	Interval, Timeout time.Duration

	shown string // the address without credentials and values of the environment
}

// String describes where the store is, without secrets; "" if there is none.
func (s Store) String() string {
	switch {
	case s.URL == "":
		return ""
	case s.shown == "":
		return hidden
	default:
		return s.shown
	}
}

var storeKeys = []string{"url", "namespace", "key_format", "mode", "nodes", "outage", "buckets", "ttl", "interval", "timeout"}

// outagePolicies are what a node can admit while the store does not reply.
var outagePolicies = []string{"share", "open", "closed"}

// readStore reads the section store of the own format.
func readStore(s section) Store {
	s.unknown(storeKeys...)
	st := Store{
		Namespace: s.namespace(),
		KeyFormat: s.text("key_format", "plimsoll or litellm"),
		Mode:      s.oneOf("mode", syncModes),
		Nodes:     int(s.whole("nodes", 1, 1<<20, "a whole number")),
		Outage:    s.oneOf("outage", outagePolicies),
		Buckets:   int(s.whole("buckets", 1, 1024, "a whole number")),
		TTL:       s.duration("ttl", time.Second, 24*time.Hour),
		Interval:  s.duration("interval", 10*time.Millisecond, time.Second),
		Timeout:   s.duration("timeout", 50*time.Millisecond, 10*time.Second),
	}
	if st.TTL%time.Second != 0 {
		s.wrong("ttl", s.table.get("ttl"), "whole seconds")
	}
	if st.KeyFormat != "" && st.KeyFormat != "plimsoll" && st.KeyFormat != "litellm" {
		s.wrong("key_format", s.table.get("key_format"), "plimsoll or litellm")
	}
	if st.Mode == "escrow" && st.KeyFormat == "litellm" {
		s.errorf(s.table.get("mode").line, s.path+"mode", escrowNeeds)
	}
	if v := s.table.get("url"); v != nil && v.unset {
		s.warnf(v.line, s.path+"url", "the environment variable %s is not set: serve needs it for the store, unless --sync names one", showName(v.env))
		st.Missing = v.env
		return st
	}
	const want = "an address such as valkey://user:password@host:6379/0, or valkeys:// for TLS"
	if address := s.name("url", want); address != "" {
		v := s.table.get("url")
		u, ok := parseAddress(address)
		if !ok {
			// Its text may hold a password.
			s.errorf(v.line, s.path+"url", "is not an address that can be used; want %s", want)
		}
		st.setURL(u, v)
	}
	return st
}

// namespace returns what keys begin with. Braces would place keys of a cluster.
func (s section) namespace() string {
	const want = "a text without spaces, braces and control characters"
	name := s.text("namespace", want)
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '{' || r == '}' || r == 0x7f }) {
		s.wrong("namespace", s.table.get("namespace"), want)
	}
	return name
}

// parseAddress reads the address of a server of Valkey or Redis.
func parseAddress(address string) (*url.URL, bool) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return &url.URL{}, false
	}
	switch u.Scheme {
	case "valkey", "redis":
		u.Scheme = "valkey"
	case "valkeys", "rediss":
		u.Scheme = "valkeys"
	default:
		return u, false
	}
	if database := strings.Trim(u.Path, "/"); database != "" {
		if _, err := strconv.ParseUint(database, 10, 16); err != nil {
			return u, false
		}
	}
	return u, u.Hostname() != ""
}

// setURL keeps an address and how to show it. from are the values it came from.
func (s *Store) setURL(u *url.URL, from ...*value) {
	s.URL = Secret(u.String())
	var names []string
	for _, v := range from {
		if v != nil && v.env != "" && !slices.Contains(names, envPrefix+v.env) {
			names = append(names, envPrefix+v.env)
		}
	}
	if len(names) > 0 {
		s.shown = strings.Join(names, ", ")
		return
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	s.shown = shown.String()
	if more := len(u.Query()["addr"]); more > 0 {
		s.shown += " and further servers"
	}
}
