package transport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// The engine applies the figures in the headers of a success. Figures that cannot be
// understood or are implausible change nothing.
func TestFiguresOfASuccess(t *testing.T) {
	const (
		remaining = "X-Ratelimit-Remaining-Tokens"
		limit     = "X-Ratelimit-Limit-Tokens"
		reset     = "X-Ratelimit-Reset-Tokens"
		answer    = `{"usage":{"prompt_tokens":140,"completion_tokens":10}}`
		own       = 150
		tpm       = 10_000
		others    = 4000 // used by whomever, this call's reservation included
		full      = -1
	)
	tests := []struct {
		name    string
		headers []string
		tokens  int64 // counted after the call
		limit   int64
	}{
		{"none", nil, own, tpm},
		{"remaining is a word", []string{remaining, "many"}, own, tpm},
		{"remaining is empty", []string{remaining, ""}, own, tpm},
		{"remaining is no number", []string{remaining, "NaN"}, own, tpm},
		{"remaining is a list", []string{remaining, "5, 6"}, own, tpm},
		{"remaining is more than the limit", []string{remaining, "99999999"}, own, tpm},
		{"remaining is infinite", []string{remaining, "1e999"}, own, tpm},
		{"remaining is negative", []string{remaining, "-27689", limit, "10000"}, full, tpm},
		{"remaining is minus infinity", []string{remaining, "-Inf", limit, "10000"}, full, tpm},
		{"remaining is negative, of no limit", []string{remaining, "-1"}, own, tpm},
		{"placeholders", []string{remaining, "-1", limit, "-1", reset, "0"}, own, tpm},
		{"nothing remains", []string{remaining, "0"}, full, tpm},
		{"others have used some", []string{remaining, "6000", limit, "10000"}, others, tpm},
		{"limit is a word", []string{limit, "high"}, own, tpm},
		{"limit is zero", []string{limit, "0"}, own, tpm},
		{"limit is negative", []string{limit, "-5"}, own, tpm},
		{"limit is higher than configured", []string{limit, "1e300"}, own, tpm},
		{"limit is lower than configured", []string{limit, "4000"}, own, 4000},
		{"reset is a word", []string{remaining, "6000", limit, "10000", reset, "whenever"}, others, tpm},
		{"reset is negative", []string{remaining, "6000", limit, "10000", reset, "-7s"}, others, tpm},
		{"reset is hours away", []string{remaining, "0", reset, "20h"}, own, tpm},
		{"a wait on a success", []string{"Retry-After", "86400"}, own, tpm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, change{limits: engine.Limits{TPM: tpm}}, answers(200, answer, tt.headers...))
			resp, text := b.post(t, "/chat/completions", plainChat)
			require.Equal(t, 200, resp.StatusCode)
			require.Equal(t, answer, text)
			b.atRest(t)
			s := b.state(t, "a")
			require.Equal(t, tt.limit, s.Limit(engine.LimitTPM).Max)
			require.Zero(t, s.CoolingFor)
			switch reserved := b.attempts()[0].Reserved; tt.tokens {
			case own:
				require.EqualValues(t, own, s.Limit(engine.LimitTPM).Used)
				return
			case others:
				require.Equal(t, others-reserved+own, s.Limit(engine.LimitTPM).Used)
				return
			default:
				require.GreaterOrEqual(t, s.Limit(engine.LimitTPM).Used, tpm-reserved+own)
			}
			resp, _ = b.post(t, "/chat/completions", plainChat)
			require.Equal(t, 429, resp.StatusCode, "the next one waits for the minute's end")
			require.Equal(t, "40", resp.Header.Get("Retry-After"))
			require.Empty(t, resp.Header.Get(transport.HeaderDeployment), "the provider is not asked")
		})
	}
}
