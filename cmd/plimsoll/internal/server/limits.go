package server

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// tokenLimits are the limits that a token may have, by their names in a file of tokens.
var tokenLimits = []struct {
	name string
	what string
	of   func(*engine.Limits) *int64
}{
	{"rpm", "requests per minute", func(l *engine.Limits) *int64 { return &l.RPM }},
	{"tpm", "tokens per minute", func(l *engine.Limits) *int64 { return &l.TPM }},
	{"in_flight", "requests at once on each node", func(l *engine.Limits) *int64 { return &l.MaxInFlight }},
}

// SetLimit sets a limit of the token's own, by its name in a file of tokens. Known is false
// for other names.
func (t *Token) SetLimit(name, value string) (known bool, err error) {
	for _, l := range tokenLimits {
		if l.name != name {
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 1 || n > engine.MaxCount {
			return true, fmt.Errorf("%q is no limit; want a whole number from 1 to %d of %s, or leave it out for no limit", value, engine.MaxCount, l.what)
		}
		*l.of(&t.Limits) = n
		return true, nil
	}
	return false, nil
}

// LimitsText returns the token's limits as in a file of tokens: "rpm=60 tpm=1000"; "" = none.
func (t *Token) LimitsText() string {
	var parts []string
	for _, l := range tokenLimits {
		if n := *l.of(&t.Limits); n != 0 {
			parts = append(parts, l.name+"="+strconv.FormatInt(n, 10))
		}
	}
	return strings.Join(parts, " ")
}

// Caller returns the caller that the engine charges for the token's requests; no caller for
// a token without limits and for a nil token.
func (t *Token) Caller() (c engine.CallerRef) {
	if t != nil {
		c = t.caller
	}
	return c
}

// Callers returns the tokens with limits of their own, for the engine's configuration.
func (t *Tokens) Callers() (list []engine.Caller) {
	for _, one := range t.All() {
		if one.Limits != (engine.Limits{}) {
			list = append(list, engine.Caller{ID: one.Name, Limits: one.Limits})
		}
	}
	return list
}

// Bind resolves the tokens' callers in an engine to which [Tokens.Callers] were applied. It
// must be called before the tokens are used.
func (t *Tokens) Bind(e *engine.Engine) error {
	for _, one := range t.All() {
		if one.Limits == (engine.Limits{}) {
			continue
		}
		var err error
		if one.caller, err = e.CallerRef(one.Name); err != nil {
			return err // cannot happen: the callers were applied
		}
	}
	return nil
}
