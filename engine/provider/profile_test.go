package provider_test

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

func TestValidateNamesEveryField(t *testing.T) {
	require.NoError(t, provider.Profile{}.Validate())
	require.NoError(t, provider.Unknown().Validate())
	bad := provider.Profile{
		Shape: 9, Phase: time.Minute, RequestWindow: 7 * time.Second, Admit: 9, Day: 9,
		Weights: provider.Weights{Input: -1, CachedInput: math.NaN(), CacheWrite: math.Inf(1), Output: 1001},
	}
	err := bad.Validate()
	for _, want := range []string{
		"Shape is 9: use Minute or Bucket", "Phase is 1m0s: use 0 up to a minute",
		"RequestWindow is 7s: use 0, or a part of a minute", "Admit is 9: use ", "Day is 9: use ",
		"Weights.Input is -1: use 0, or 0.001 to 1000", "Weights.CachedInput is NaN", "Weights.CacheWrite is +Inf", "Weights.Output is 1001",
	} {
		require.ErrorContains(t, err, want)
	}
	for _, w := range []time.Duration{-time.Second, time.Millisecond, 2 * time.Minute, 7 * time.Second} {
		require.ErrorContains(t, provider.Profile{RequestWindow: w}.Validate(), "RequestWindow", w)
	}
	for _, w := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		require.NoError(t, provider.Profile{RequestWindow: w}.Validate(), w)
	}
	require.ErrorContains(t, provider.Profile{Weights: provider.Weights{Input: 1, Output: 0.0004}}.Validate(), "Weights.Output is 0.0004: use 0, or 0.001 to 1000")
	require.ErrorContains(t, provider.Profile{LearnShape: true}.Validate(), "LearnShape is true: it is for Shape Bucket")
	require.ErrorContains(t, provider.Profile{Shape: provider.Bucket, LearnPhase: true}.Validate(), "LearnPhase is true: only Shape Minute")
	require.ErrorContains(t, provider.Profile{Admit: provider.AdmitNothing, EstimateStands: true}.Validate(), "EstimateStands is true")
	require.ErrorContains(t, provider.Profile{Shape: provider.Bucket, Phase: time.Second}.Validate(), "only Shape Minute has one")
}

func TestNamesOfValues(t *testing.T) {
	require.Equal(t, "bucket", provider.Bucket.String())
	require.Equal(t, "input+max", provider.AdmitInputMax.String())
	require.Equal(t, "pacific", provider.DayPacific.String())
	require.Equal(t, "Shape(7)", provider.Shape(7).String())
}

func TestAdmitted(t *testing.T) {
	for _, c := range []struct {
		admit                 provider.Admit
		input, expected, most int64
		in, out               int64
	}{
		{provider.AdmitExpected, 100, 30, 500, 100, 30},
		{provider.AdmitNothing, 100, 30, 500, 0, 0},
		{provider.AdmitInput, 100, 30, 500, 100, 0},
		{provider.AdmitInputMax, 100, 30, 500, 100, 500},
		{provider.AdmitInputMax, 100, 30, 0, 100, 30},
		{provider.AdmitLarger, 100, 30, 500, 100, 400},
		{provider.AdmitLarger, 600, 30, 500, 600, 0},
		{provider.AdmitLarger, 10, 30, 0, 10, 20},
		{provider.AdmitMaxAsInput, 100, 30, 500, 600, 0},
		{provider.AdmitMaxAsInput, 100, 30, 0, 130, 0},
	} {
		r := provider.Profile{Admit: c.admit}.Rates()
		in, out := r.Admitted(c.input, c.expected, c.most)
		require.Equal(t, [2]int64{c.in, c.out}, [2]int64{in, out}, "%v", c)
	}
}

// What is expected to be used counts as what was used will.
func TestExpectedIsWeighted(t *testing.T) {
	r := provider.Profile{Weights: provider.Weights{Input: 1.1, Output: 5}}.Rates()
	in, out := r.Admitted(101, 30, 500)
	require.Equal(t, [2]int64{112, 150}, [2]int64{in, out})
	usedIn, usedOut := r.Used(101, 0, 0, 30)
	require.Equal(t, [2]int64{usedIn, usedOut}, [2]int64{in, out})
}

func TestStands(t *testing.T) {
	for name, want := range map[string]bool{"azure": true, "mistral": true, "openai": false, "anthropic": false, "bedrock": false} {
		p, _ := provider.Preset(name, "")
		r := p.Rates()
		require.Equal(t, want, r.Stands(), name)
	}
}

func TestUsed(t *testing.T) {
	type usage struct{ input, cached, write, output int64 }
	for _, c := range []struct {
		name    string
		weights provider.Weights
		u       usage
		in, out int64
	}{
		{"plain", provider.Weights{}, usage{100, 40, 20, 7}, 100, 7},
		{"no cached reads", provider.Weights{Input: 1, CacheWrite: 1, Output: 1}, usage{100, 40, 20, 7}, 60, 7},
		{"burndown", provider.Weights{Input: 1, CacheWrite: 1, Output: 5}, usage{100, 40, 20, 7}, 60, 35},
		{"dear writes round up", provider.Weights{Input: 1, CachedInput: 0.1, CacheWrite: 1.25, Output: 1}, usage{100, 41, 19, 7}, 68, 7},
		{"input only", provider.Weights{Input: 1, CachedInput: 1, CacheWrite: 1}, usage{100, 0, 0, 7}, 100, 0},
		{"more cached than input", provider.Weights{Input: 1, Output: 1}, usage{100, 150, 20, 7}, 0, 7},
		{"the largest", provider.Weights{Input: 1000, Output: 1000}, usage{1 << 42, 0, 0, 1 << 42}, 1000 << 42, 1000 << 42},
	} {
		r := provider.Profile{Weights: c.weights}.Rates()
		in, out := r.Used(c.u.input, c.u.cached, c.u.write, c.u.output)
		require.Equal(t, [2]int64{c.in, c.out}, [2]int64{in, out}, c.name)
		require.Equal(t, c.weights == provider.Weights{}, r.Plain(), c.name)
	}
}

func TestPresets(t *testing.T) {
	for _, name := range provider.Names() {
		p, known := provider.Preset(name, "")
		require.True(t, known, name)
		require.NoError(t, p.Validate(), name)
	}
	p, known := provider.Preset("a new one", "")
	require.False(t, known)
	require.Equal(t, provider.Unknown(), p)
	p, known = provider.Preset(" Vertex_AI ", "")
	require.True(t, known)
	require.Equal(t, provider.DayPacific, p.Day)
	for model, want := range map[string]float64{
		"":                      1,
		"amazon.nova-pro-v1:0":  1,
		"meta.llama4-scout-4-8": 1,
		"anthropic.claude-3-5-sonnet-20241022-v2:0":       1,
		"us.anthropic.claude-3-7-sonnet-20250219-v1:0":    5,
		"anthropic.claude-sonnet-4-20250514-v1:0":         5,
		"anthropic.claude-opus-4-5-20251101-v1:0":         5,
		"global.anthropic.claude-haiku-4-5-20251001-v1:0": 5,
		"anthropic.claude-opus-4-8-v1:0":                  15,
		"anthropic.claude-sonnet-5-v1:0":                  10,
		"anthropic.claude-opus-5":                         10,
		"anthropic.claude-fable-5-1":                      10,
	} {
		p, known := provider.Preset("bedrock", model)
		require.True(t, known)
		require.Equal(t, want, p.Weights.Output, model)
	}
}

// docs/PROVIDERS.md says what the presets do.
func TestPresetsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/PROVIDERS.md")
	require.NoError(t, err)
	for _, name := range provider.Names() {
		p, _ := provider.Preset(name, "")
		_, row, found := strings.Cut(string(text), "\n| `"+name+"` | ")
		require.True(t, found, name)
		row, _, _ = strings.Cut(row, "\n")
		cells := strings.Split(strings.ReplaceAll(row, "*", ""), " | ")
		shape := p.Shape.String()
		if p.LearnPhase {
			shape += ", phase to be learned"
		}
		if p.LearnShape {
			shape += ", shape to be learned"
		}
		require.Equal(t, shape, cells[0], name)
		admits := map[provider.Admit]string{
			provider.AdmitNothing: "nothing", provider.AdmitInput: "input", provider.AdmitInputMax: "input + maximum output",
			provider.AdmitLarger:     "larger of input and maximum output",
			provider.AdmitMaxAsInput: "input + maximum output, against the limit on input",
		}
		require.Equal(t, admits[p.Admit], cells[1], name)
		require.Equal(t, p.EstimateStands, strings.Contains(cells[2], "estimate stands"), name)
		require.Equal(t, p.CountsRefused, strings.Contains(row, "refused calls"), name)
		require.Equal(t, p.Day == provider.DayPacific, strings.Contains(row, "Pacific"), name)
		require.Contains(t, row, "](https://", name)
	}
}

// Every name is read as what prints it, and nothing else is.
func TestNamesAreRead(t *testing.T) {
	for s := provider.Shape(0); !strings.HasPrefix(s.String(), "Shape("); s++ {
		got, err := provider.ParseShape(s.String())
		require.NoError(t, err)
		require.Equal(t, s, got)
	}
	for a := provider.Admit(0); !strings.HasPrefix(a.String(), "Admit("); a++ {
		got, err := provider.ParseAdmit(a.String())
		require.NoError(t, err)
		require.Equal(t, a, got)
	}
	for d := provider.Day(0); !strings.HasPrefix(d.String(), "Day("); d++ {
		got, err := provider.ParseDay(d.String())
		require.NoError(t, err)
		require.Equal(t, d, got)
	}
	for _, name := range []string{"", "Minute", " minute", "Shape(7)"} {
		_, err := provider.ParseShape(name)
		require.Error(t, err)
		_, err = provider.ParseAdmit(name)
		require.Error(t, err)
		_, err = provider.ParseDay(name)
		require.Error(t, err)
	}
}
