package traffic_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/traffic"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

func TestTraffic(t *testing.T) {
	tr := traffic.New(func(s string) string { return strings.ReplaceAll(s, "secret", "(hidden)") })
	list := []engine.Deployment{{ID: "a-secret", Group: "chat"}, {ID: "b", Group: "chat"}, {ID: "idle", Group: "code"}}
	tr.Apply(list)
	tr.Admitted("chat")
	tr.Refused("chat")
	tr.Refused("none")
	for _, a := range []transport.Attempt{
		{Number: 1, Status: 429},
		{Number: 2, Status: 200, FirstToken: 150 * time.Millisecond, Ending: transport.Settled, Usage: engine.Usage{InputTokens: 7, OutputTokens: 3}},
		{Number: 1, Status: 503},
		{Number: 1, Status: 400},
		{Number: 1, Err: context.DeadlineExceeded},
		{Number: 1, Err: errors.New("refused")},
	} {
		a.Group, a.Deployment = "chat", "a-secret"
		tr.Attempted(a)
	}
	tr.Apply(list) // a reload keeps counts
	require.NoError(t, testutil.CollectAndCompare(tr, strings.NewReader(`
# HELP plimsoll_deployment_answers_total Attempts of the proxy at each deployment, by the kind of the provider's answer. Absent until it did.
# TYPE plimsoll_deployment_answers_total counter
plimsoll_deployment_answers_total{deployment="a-(hidden)",group="chat",kind="client_error"} 1
plimsoll_deployment_answers_total{deployment="a-(hidden)",group="chat",kind="ok"} 1
plimsoll_deployment_answers_total{deployment="a-(hidden)",group="chat",kind="rate_limited"} 1
plimsoll_deployment_answers_total{deployment="a-(hidden)",group="chat",kind="server_error"} 1
plimsoll_deployment_answers_total{deployment="a-(hidden)",group="chat",kind="timeout"} 1
plimsoll_deployment_answers_total{deployment="a-(hidden)",group="chat",kind="unreachable"} 1
# HELP plimsoll_deployment_tokens_total Tokens of each deployment's calls through the proxy, as reported by providers.
# TYPE plimsoll_deployment_tokens_total counter
plimsoll_deployment_tokens_total{deployment="a-(hidden)",direction="input",group="chat"} 7
plimsoll_deployment_tokens_total{deployment="a-(hidden)",direction="output",group="chat"} 3
# HELP plimsoll_group_failovers_total Attempts of the proxy after the first one of a request.
# TYPE plimsoll_group_failovers_total counter
plimsoll_group_failovers_total{group="chat"} 1
plimsoll_group_failovers_total{group="code"} 0
# HELP plimsoll_group_first_token_seconds Time from sending a streamed call of each group to the first content of its answer.
# TYPE plimsoll_group_first_token_seconds histogram
plimsoll_group_first_token_seconds_bucket{group="chat",le="0.05"} 0
plimsoll_group_first_token_seconds_bucket{group="chat",le="0.1"} 0
plimsoll_group_first_token_seconds_bucket{group="chat",le="0.2"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="0.4"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="0.8"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="1.6"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="3.2"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="6.4"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="12.8"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="25.6"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="51.2"} 1
plimsoll_group_first_token_seconds_bucket{group="chat",le="+Inf"} 1
plimsoll_group_first_token_seconds_sum{group="chat"} 0.15
plimsoll_group_first_token_seconds_count{group="chat"} 1
# HELP plimsoll_group_requests_total Requests for admission of each group, by outcome: admitted, or refused by a limit.
# TYPE plimsoll_group_requests_total counter
plimsoll_group_requests_total{group="chat",outcome="admitted"} 6
plimsoll_group_requests_total{group="chat",outcome="refused"} 1
plimsoll_group_requests_total{group="code",outcome="admitted"} 0
plimsoll_group_requests_total{group="code",outcome="refused"} 0
# HELP plimsoll_group_tokens_total Tokens of each group's calls through the proxy, as reported by providers.
# TYPE plimsoll_group_tokens_total counter
plimsoll_group_tokens_total{direction="input",group="chat"} 7
plimsoll_group_tokens_total{direction="output",group="chat"} 3
plimsoll_group_tokens_total{direction="input",group="code"} 0
plimsoll_group_tokens_total{direction="output",group="code"} 0
`)))
	tr.Apply(list[1:])
	require.Equal(t, 11, testutil.CollectAndCount(tr), "what has gone has no series")
	tr.Apply(list[2:])
	require.Equal(t, 5, testutil.CollectAndCount(tr), "of a group neither")
}
