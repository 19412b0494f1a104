package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Token is the page's view of a token: the outcomes of its requests so far, and the usage of
// its own limits.
type Token struct {
	Name                      string
	Admitted, Refused, Failed int64
	State                     *engine.State // has no limits for a token without any
	Expires                   time.Time     // zero = never
}

// tokensShown is the largest number of rows of tokens: the busiest ones. A search finds the
// others.
const tokensShown = 20

// tokenRow is a token's row.
type tokenRow struct {
	Key, Name                 string
	State                     string // why its requests are refused; "" = they are not
	Requests, Tokens          []bar
	InFlight                  string // "" = not limited
	Admitted, Refused, Failed string // in the last minute
	Share                     string // class of the refusals: low, high
	busy                      int64
	full                      float64
}

// tokens returns the rows of the tokens that a viewer has chosen, and the number of tokens
// without a row.
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

// ofToken returns the outcomes of a token's requests since the oldest sample.
func (h *history) ofToken(t *Token) Token {
	list := h.traffic.list()
	if len(list) == 0 {
		return Token{}
	}
	first := list[0].tokens[t.Name] // zero for a newer token
	return Token{Admitted: max(t.Admitted-first.Admitted, 0), Refused: max(t.Refused-first.Refused, 0), Failed: max(t.Failed-first.Failed, 0)}
}

// shareOfRefused returns the class of the share of refusals: "high" above 5 %, "low" below,
// "" for none.
func shareOfRefused(admitted, refused int64) string {
	switch {
	case refused == 0:
		return ""
	case 20*refused > admitted+refused:
		return "high"
	}
	return "low"
}
