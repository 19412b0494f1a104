package config_test

import (
	"encoding/json"
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// placedLimits is a deployment of the golden vectors: where its limits stand,
// and which of them LiteLLM goes by.
type placedLimits struct {
	Name, ID, Group, Model string
	Top                    map[string]any `json:"top"`
	LiteLLMParams          map[string]any `json:"litellm_params"`
	ModelInfo              map[string]any `json:"model_info"`
	RPMLimit               *float64       `json:"rpm_limit"`
	TPMLimit               *float64       `json:"tpm_limit"`
}

func TestLimitsOfTheGoldenVectors(t *testing.T) {
	want := func(limit *float64) int64 {
		switch {
		case limit == nil || *limit > float64(engine.MaxCount):
			return 0
		case *limit < 1:
			return engine.Blocked
		default:
			return int64(math.Floor(*limit))
		}
	}
	for _, v := range readJSON[[]placedLimits](t, "testdata/limits.json") {
		t.Run(v.Name+"/"+v.ID, func(t *testing.T) {
			entry := map[string]any{"model_name": v.Group}
			params := map[string]any{"model": v.Model}
			info := map[string]any{"id": v.ID}
			for to, from := range map[*map[string]any]map[string]any{&entry: v.Top, &params: v.LiteLLMParams, &info: v.ModelInfo} {
				maps.Copy(*to, from)
			}
			entry["litellm_params"], entry["model_info"] = params, info
			data, err := json.Marshal(map[string]any{
				"model_list":      []any{entry},
				"router_settings": map[string]any{"routing_strategy": "usage-based-routing-v2"},
			})
			require.NoError(t, err)
			for _, name := range []string{"vector.json", "vector.yaml"} { // JSON is YAML too
				f, err := config.Parse(name, data, environ(nil))
				require.NoError(t, err)
				require.Len(t, f.Engine.Deployments, 1)
				got := f.Engine.Deployments[0]
				require.Equal(t, engine.Deployment{
					ID: v.ID, Group: v.Group, Model: v.Model,
					Limits: engine.Limits{RPM: want(v.RPMLimit), TPM: want(v.TPMLimit)},
				}, got, name)
			}
		})
	}
}

func TestLimitValues(t *testing.T) {
	for _, tt := range []struct {
		name, limit string
		want        int64
		warns       string
	}{
		{"absent", "", 0, ""},
		{"null", "~", 0, ""},
		{"plain", "600", 600, ""},
		{"quoted", `"600"`, 600, ""},
		{"quoted with underscore", `"1_000"`, 1000, ""},
		{"octal", "0100", 64, ""},
		{"minutes", "1:30", 90, ""},
		{"float", "600.0", 600, ""},
		{"zero", "0", engine.Blocked, ""},
		{"minus zero", "-0.0", engine.Blocked, ""},
		{"half", "0.5", engine.Blocked, "rounded down to 0, which lets nothing through"},
		{"fraction", "2.9", 2, "rounded down to 2"},
		{"below zero", "-1", engine.Blocked, "lets nothing through"},
		{"minus infinity", "-.inf", engine.Blocked, "lets nothing through"},
		{"largest", "4398046511104", engine.MaxCount, ""},
		{"too large", "4398046511105", 0, "taken as unlimited"},
		{"infinity", ".inf", 0, "taken as unlimited"},
		{"enormous", "123456789012345678901234567890", 0, "taken as unlimited"},
		{"variable", "os.environ/RPM", 321, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := config.Parse("f.yaml", []byte("model_list: [{model_name: g, litellm_params: {model: m, rpm: "+tt.limit+"}}]\nrouter_settings: {routing_strategy: usage-based-routing-v2}\n"),
				environ(map[string]string{"RPM": "321"}))
			require.NoError(t, err)
			require.Equal(t, tt.want, f.Engine.Deployments[0].Limits.RPM)
			if tt.warns == "" {
				require.Empty(t, f.Warnings)
				return
			}
			require.Contains(t, messages(f.Warnings), tt.warns)
		})
	}
}

func TestLimitErrors(t *testing.T) {
	for limit, want := range map[string]string{
		"true":            "f.yaml:1: model_list[0].litellm_params.rpm: found the truth value true (quote it if it is a text); want a whole number, 0 to let nothing through, or no such key for unlimited",
		"many":            `f.yaml:1: model_list[0].litellm_params.rpm: found the text "many"; want a whole number`,
		"1_000 rpm":       `found the text "1_000 rpm"; want a whole number`,
		".nan":            "found nan; want a whole number",
		"[1]":             "found a list; want a whole number",
		"{a: 1}":          "found a mapping; want a whole number",
		"2024-01-01":      "found the date 2024-01-01 (quote it if it is a text); want a whole number",
		"os.environ/GONE": "the environment variable GONE is not set; want a whole number",
		"os.environ/WORD": "found the value of os.environ/WORD, a text; want a whole number",
	} {
		_, err := config.Parse("f.yaml", []byte("model_list: [{model_name: g, litellm_params: {model: m, rpm: "+limit+"}}]"),
			environ(map[string]string{"WORD": "plenty-of-them"}))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "plenty-of-them")
	}
}

// Limits on input and output stand where rpm and tpm do.
func TestSplitLimits(t *testing.T) {
	f, err := config.Parse("f.yaml", []byte(`
model_list:
  - {model_name: g, litellm_params: {model: m, itpm: 30000, otpm: 8000}}
  - {model_name: g, itpm: 1, litellm_params: {model: n, itpm: 2, otpm: ~}, model_info: {itpm: 3, otpm: 0}}
router_settings: {routing_strategy: usage-based-routing-v2}
`), environ(nil))
	require.NoError(t, err)
	require.Empty(t, f.Warnings)
	require.Equal(t, engine.Limits{InputTPM: 30000, OutputTPM: 8000}, f.Engine.Deployments[0].Limits)
	require.Equal(t, engine.Limits{InputTPM: 1, OutputTPM: engine.Blocked}, f.Engine.Deployments[1].Limits)
}
