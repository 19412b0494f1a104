package page

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// A token's row has what came of its requests in the last minute, and its own limits. The
// busiest of many are shown; a search finds the others.
func TestTokens(t *testing.T) {
	var admitted int64
	many := 0
	p := newPage(t, Config{Tokens: func() []Token {
		list := []Token{
			{Name: "team", Admitted: 10 + admitted, Refused: 2 * admitted, Failed: admitted, State: &engine.State{ID: "team", Utilization: 1, Limits: []engine.LimitState{
				{Limit: engine.LimitRPM, Used: 60, Max: 60, Remote: 20}, {Limit: engine.LimitTPM, Used: 500, Max: 1000}, {Limit: engine.LimitInFlight, Used: 1, Max: 4},
			}}},
			{Name: "free", State: &engine.State{}},
			{Name: "old", State: &engine.State{}, Expires: time.Unix(1, 0)},
		}
		for i := range many {
			list = append(list, Token{Name: fmt.Sprintf("quiet-%d", i), State: &engine.State{}})
		}
		return list
	}}, engine.Deployment{ID: "a", Group: "g"})
	p.sample(time.Now())
	admitted = 7
	html := get(p, "/").Body.String()
	for _, want := range []string{
		"<h2>Tokens</h2>", `aria-valuetext="60 of 60 requests, 100 %, 20 by other nodes"`, `aria-valuetext="500 of 1,000 tokens, 50 %"`, "1 of 4",
		`<b>7</b> admitted, <span class="refused high">14 refused</span>, 7 failed`, `<b>0</b> admitted, <span class="refused ">0 refused</span></span>`,
		`<span class="id">team</span> <span class="state">at its limit</span>`, `<span class="id">old</span> <span class="state">expired</span>`,
	} {
		require.Contains(t, html, want)
	}
	require.NotContains(t, get(p, "/?q=nothing").Body.String(), "<h2>Tokens</h2>")

	many = 50
	html = get(p, "/").Body.String()
	require.Contains(t, html, ">team<")
	require.Contains(t, html, "33 more, less full than these")
	require.Equal(t, tokensShown, strings.Count(html, " admitted, "))
	html = get(p, "/?q=quiet-49").Body.String()
	require.Contains(t, html, ">quiet-49<")
	require.NotContains(t, html, ">team<")
}
