package provider_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// What an error quotes may be the client's words. They decide nothing about the deployment, so that
// no client makes deployments cool down by what it sends.
func TestWordsOfClients(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for _, words := range []string{
		"the model is overloaded", "incorrect api key", "insufficient balance", "access to the model", "rate limit", "too many requests",
		"model_not_found: no such model", "exceeded your current quota, please check your plan and billing",
	} {
		for name, message := range map[string]string{
			"OpenAI":              `Invalid value: '` + words + `'. Supported values are: 'low', 'medium', and 'high'.`,
			"a long one":          `Invalid value: '` + long[:700] + words + `'. Supported values are: 'low'.`,
			"one that is cut":     `Invalid value: '` + long[:3000] + words + long + `'.`,
			"Anthropic":           "Unexpected value(s) `" + words + "` for the `anthropic-beta` header.",
			"double quotes":       `Unknown field "` + words + `" in the request.`,
			"in brackets":         `Input should be 'a' or 'b' [input_value='` + words + `', input_type=str]`,
			"an answer repeated":  `litellm.BadRequestError: {"error":{"message":"Invalid value: '` + words + `'."}}`,
			"escapes the message": `Invalid value: 'x' ` + words + ` ''. Supported values are: 'low'.`,
		} {
			e := map[string]any{"message": message, "type": "invalid_request_error", "param": "reasoning_effort"}
			if strings.HasPrefix(name, "escapes") {
				e["code"] = "invalid_value"
			}
			body, err := json.Marshal(map[string]any{"error": e})
			require.NoError(t, err)
			for _, status := range []int{400, 422} {
				s := provider.Read(provider.Answer{Provider: "openai", Status: status, Body: body, At: at})
				require.Equal(t, provider.Rejected, s.Kind, "%s, %s: %s", name, words, message[:min(len(message), 200)])
			}
		}
		// vLLM and others repeat the request, which may be longer than what is read.
		for _, input := range []string{words, `x\" ` + words + ` \"`} {
			body := `{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":"` + input + strings.Repeat("x", 70<<10) + `"}]}`
			s := provider.Read(provider.Answer{Status: 422, Body: []byte(body), At: at})
			require.Equal(t, provider.Rejected, s.Kind, words)
		}
	}
}

// Words that an error says itself decide, whatever stands in quotes beside them.
func TestWordsOfProviders(t *testing.T) {
	for message, want := range map[string]provider.Kind{
		"The model 'gpt-x' is overloaded, try 'other'.":                                  provider.Overloaded,
		"Incorrect API key provided: 'sk-1***'. You can find yours at 'https://x'.":      provider.Other,
		`{"error": {"message": "Insufficient Balance", "code": "x"}}`:                    provider.NoMoney,
		"You don't have access to the model with the specified model ID. It isn't 'on'.": provider.Other,
		"`inputs` must have less than 1000 tokens. Given: 1200":                          provider.TooLarge,
	} {
		body, err := json.Marshal(map[string]any{"error": map[string]any{"message": message}})
		require.NoError(t, err)
		require.Equal(t, want, provider.Read(provider.Answer{Status: 400, Body: body, At: at}).Kind, message)
	}
	require.Equal(t, provider.Other, provider.Read(provider.Answer{Status: 400, Body: []byte(`"Invalid API key"`), At: at}).Kind, "a text in place of an object")
}
