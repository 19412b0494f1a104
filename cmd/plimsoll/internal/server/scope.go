package server

import (
	"fmt"
	"strings"
)

// Scope is a set of rights of a token. The zero value is no right.
type Scope uint8

// The rights of a token.
const (
	Decide  Scope = 1 << iota // decisions over /v1/
	Observe                   // reports of providers' answers: cooldowns and corrections
	Proxy                     // calls to providers through the daemon
	Admin                     // the page, metrics, profiles, switching deployments off and on

	AllScopes = Decide | Observe | Proxy | Admin
)

var scopeNames = []struct {
	scope Scope
	name  string
}{{Decide, "decide"}, {Observe, "observe"}, {Proxy, "proxy"}, {Admin, "admin"}}

// ParseScopes parses names of scopes separated by commas.
func ParseScopes(text string) (Scope, error) {
	var s Scope
	for name := range strings.SplitSeq(text, ",") {
		var one Scope
		for _, n := range scopeNames {
			if n.name == name {
				one = n.scope
			}
		}
		if one == 0 {
			return 0, fmt.Errorf("unknown scope %q; use any of decide, observe, proxy, admin, with commas between them", name)
		}
		s |= one
	}
	return s, nil
}

func (s Scope) String() string {
	var names []string
	for _, n := range scopeNames {
		if s&n.scope != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

// scopeOf returns the scope that a path needs: Admin unless it is a path of the API or
// the proxy.
func scopeOf(path string) Scope {
	switch {
	case path == "/v1/observe" || strings.HasPrefix(path, "/v1/observe/"):
		return Observe
	case strings.HasPrefix(path, "/v1/admin/"):
		return Admin
	case strings.HasPrefix(path, "/v1/"):
		return Decide
	case strings.HasPrefix(path, "/openai/"), strings.HasPrefix(path, "/anthropic/"):
		return Proxy
	}
	return Admin
}
