package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Token is what the page shows of a token: its requests so far by what came of them, and
// the usage of its own limits.
type Token struct {
	Name                      string
	Admitted, Refused, Failed int64
	State                     *engine.State // has no limits for a token without any
	Expires                   time.Time     // zero = never
}

// tokensShown is how many tokens have a row, the busiest ones; a search finds the others.
const tokensShown = 20

// tokenRow is a token's row.
type tokenRow struct {
	Key, Name                 string
	State                     string // what keeps it from being let through; "" = nothing
	Requests, Tokens          []bar
	InFlight                  string // "" = not limited
	Admitted, Refused, Failed string // in the last minute
	Share                     string // how bad the refusals are: low, high
	busy                      int64
	full                      float64
}

// tokens are the rows of tokens that a viewer has chosen to see, and how many have none.
func (p *Page) tokens(now time.Time, c choice) (rows []tokenRow, more int) {
	if p.cfg.Tokens == nil {
		return nil, 0
	}
	for _, t := range p.cfg.Tokens() {
		if strings.Contains(strings.ToLower(t.Name), c.search) {
			rows = append(rows, p.tokenRow(now, &t))
		}
	}
	if len(rows) > tokensShown || c.fullest {
		slices.SortStableFunc(rows, func(a, b tokenRow) int { return cmp.Or(cmp.Compare(b.full, a.full), cmp.Compare(b.busy, a.busy)) })
	}
	n := min(len(rows), tokensShown)
	return rows[:n], len(rows) - n
}

func (p *Page) tokenRow(now time.Time, t *Token) tokenRow {
	lately := p.history.ofToken(t)
	r := tokenRow{
		Key: keyOf("token " + t.Name), Name: t.Name, busy: lately.Admitted + lately.Refused + lately.Failed, full: t.State.Utilization,
		Admitted: grouped(lately.Admitted), Refused: grouped(lately.Refused), Failed: grouped(lately.Failed), Share: shareOfRefused(lately.Admitted, lately.Refused),
	}
	for _, l := range t.State.Limits {
		switch {
		case l.Max == 0:
		case l.Limit == engine.LimitInFlight:
			r.InFlight = fmt.Sprintf("%s of %s", grouped(l.Used), grouped(max(l.Max, 0)))
		case l.Limit == engine.LimitRPM:
			r.Requests = append(r.Requests, newBar("requests", l.Used, l.Remote, 0, l.Max))
		case l.Limit == engine.LimitTPM:
			r.Tokens = append(r.Tokens, newBar("tokens", l.Used, l.Remote, max(int64(l.Held), 0), l.Max))
		}
	}
	switch {
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		r.State = "expired"
	case t.State.Utilization >= 1:
		r.State = "at its limit"
	}
	return r
}

// ofToken returns what came of a token's requests since the oldest sample.
func (h *history) ofToken(t *Token) Token {
	list := h.traffic.list()
	if len(list) == 0 {
		return Token{}
	}
	first := list[0].tokens[t.Name] // zero for one that has come since
	return Token{Admitted: max(t.Admitted-first.Admitted, 0), Refused: max(t.Refused-first.Refused, 0), Failed: max(t.Failed-first.Failed, 0)}
}

// shareOfRefused says how bad refusals are beside what was admitted: "high" above 5 %,
// "low" below, "" for none.
func shareOfRefused(admitted, refused int64) string {
	switch {
	case refused == 0:
		return ""
	case 20*refused > admitted+refused:
		return "high"
	}
	return "low"
}
