package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Weights under simple-shuffle are those that LiteLLM draws by: the first
// deployment of a group decides whether that is weight, rpm, tpm or nothing.
func TestShuffleWeights(t *testing.T) {
	const off = -1 // disabled
	for _, tt := range []struct {
		name   string
		params []string // of the deployments of one group
		want   []float64
		warns  string
	}{
		{"nothing", []string{"", ""}, []float64{0, 0}, ""},
		{"weights", []string{"weight: 2", "weight: 1.5", "weight: '3'"}, []float64{2, 1.5, 3}, ""},
		{"weight before rpm and tpm", []string{"weight: 2, rpm: 9, tpm: 8", "weight: 1, rpm: 5"}, []float64{2, 1}, ""},
		{"rpm before tpm", []string{"rpm: 9, tpm: 8", "rpm: 5, tpm: 100"}, []float64{9, 5}, ""},
		{"tpm", []string{"tpm: 8", "tpm: 100, rpm: 4"}, []float64{8, 100}, ""},
		{"a weight of zero", []string{"weight: 0", "weight: 1"}, []float64{off, 1}, ""},
		{"a null weight is none", []string{"weight: , rpm: 3", "rpm: 4"}, []float64{3, 4}, ""},
		{"no weight beside the first's", []string{"weight: 2", "rpm: 5"}, []float64{2, off}, "litellm_params.weight: is missing, so that LiteLLM's simple-shuffle never draws this deployment"},
		{"no rpm beside the first's", []string{"rpm: 2", "tpm: 5"}, []float64{2, off}, "litellm_params.rpm: is missing"},
		{"a weight the first has not", []string{"", "weight: 5"}, []float64{0, 0}, "litellm_params.weight: is not used: the first deployment of its group has none"},
		{"no weight above zero", []string{"weight: 0", "weight: 0"}, []float64{off, off}, `no deployment of group "g" with order 0 can be drawn: none has weight above 0`},
		{"orders are drawn apart", []string{"order: 1, weight: 2", "order: 2, rpm: 7", "order: 2, rpm: 5, weight: 9"}, []float64{2, 7, 5}, ""},
		{"a limit that is unlimited", []string{"rpm: 1.0e+20", "rpm: 5"}, []float64{float64(engine.MaxCount), 5}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "model_list:\n"
			for i, p := range tt.params {
				text += "- {model_name: g, litellm_params: {model: m, " + p + "}, model_info: {id: " + string(rune('a'+i)) + "}}\n"
			}
			f := mustParse(t, text)
			var got []float64
			for _, d := range f.Engine.Deployments {
				if d.Disabled {
					d.Weight = off
				}
				got = append(got, d.Weight)
			}
			require.Equal(t, tt.want, got)
			require.Equal(t, engine.Weighted, f.Engine.Strategy)
			require.Contains(t, messages(f.Warnings), tt.warns)
		})
	}
}

// LiteLLM's router copies limits of the entry into litellm_params, where the
// shuffle looks; those of model_info it does not see.
func TestShuffleWeightsOfPlaces(t *testing.T) {
	f := mustParse(t, `
model_list:
  - {model_name: g, rpm: 7, litellm_params: {model: m}, model_info: {id: a}}
  - {model_name: g, rpm: 7, litellm_params: {model: m, rpm: 8}, model_info: {id: b}}
  - {model_name: g, litellm_params: {model: m}, model_info: {id: c, rpm: 9}}
`)
	d := f.Engine.Deployments
	require.Equal(t, []float64{7, 8, 0}, []float64{d[0].Weight, d[1].Weight, d[2].Weight})
	require.Equal(t, []int64{7, 7, 9}, []int64{d[0].Limits.RPM, d[1].Limits.RPM, d[2].Limits.RPM})
	require.True(t, d[2].Disabled)
}

func TestWrongWeights(t *testing.T) {
	for _, weight := range []string{"-1", ".nan", ".inf", "heavy", "[1]"} {
		_, err := parse("model_list: [{model_name: g, litellm_params: {model: m, weight: " + weight + "}}]")
		require.ErrorContains(t, err, "litellm_params.weight: found ")
		require.ErrorContains(t, err, "want a number, 0 to draw others only")
	}
}
