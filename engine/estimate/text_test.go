package estimate_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

type sample struct{ kind, text string }

// samples are the texts in testdata/samples: a few hundred words of each kind.
func samples(tb testing.TB) []sample {
	tb.Helper()
	files, err := filepath.Glob("testdata/samples/*.txt")
	require.NoError(tb, err)
	require.NotEmpty(tb, files)
	var out []sample
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(tb, err)
		out = append(out, sample{strings.TrimSuffix(filepath.Base(file), ".txt"), string(data)})
	}
	return out
}

func newExact(tb testing.TB, enc estimate.Encoding) *estimate.Exact {
	tb.Helper()
	exact, err := estimate.NewExact(enc)
	require.NoError(tb, err)
	return exact
}

// The samples are small, so that the bounds are wider than those that
// docs/ESTIMATES.md reports for documents.
func TestTextNearExact(t *testing.T) {
	bounds := map[string]float64{"english": 0.08, "code": 0.1, "json": 0.1}
	for _, s := range samples(t) {
		bound, ok := bounds[s.kind]
		if !ok {
			bound = 0.2
		}
		for _, enc := range []estimate.Encoding{estimate.O200K, estimate.CL100K} {
			t.Run(s.kind+"/"+enc.String(), func(t *testing.T) {
				want, err := newExact(t, enc).Text(s.text)
				require.NoError(t, err)
				got := estimate.Text(s.text, enc)
				t.Logf("estimate %d, exact %d: %+.1f %%", got, want, 100*(float64(got)/float64(want)-1))
				require.Less(t, math.Abs(float64(got)/float64(want)-1), bound)
			})
		}
	}
}

func TestTextBounds(t *testing.T) {
	for _, enc := range []estimate.Encoding{estimate.O200K, estimate.CL100K} {
		require.EqualValues(t, 0, estimate.Text("", enc))
		for b := range 256 {
			require.EqualValues(t, 1, estimate.Text(string([]byte{byte(b)}), enc), "byte %#x", b)
		}
	}
	require.Equal(t, estimate.Text("a text", estimate.O200K), estimate.Text("a text", 99), "no such encoding")
}

// Invalid UTF-8 must neither vanish nor cost more than its bytes.
func TestTextInvalid(t *testing.T) {
	garbage := strings.Repeat("\xff\xc3\xe4\xbd", 256)
	got := estimate.Text(garbage, estimate.O200K)
	require.Greater(t, got, int64(len(garbage)/8))
	require.LessOrEqual(t, got, int64(len(garbage)))
}

// A huge text is sampled; the samples must stand for the whole.
func TestTextSampled(t *testing.T) {
	for _, s := range samples(t) {
		part := strings.Repeat(s.text, 100_000/len(s.text)+1)
		whole := strings.Repeat(part, 20)
		require.Greater(t, len(whole), 1<<20)
		got, want := estimate.Text(whole, estimate.CL100K), 20*estimate.Text(part, estimate.CL100K)
		require.InEpsilon(t, want, got, 0.02, s.kind)
	}
}

func TestTextDoesNotAllocate(t *testing.T) {
	for _, s := range samples(t) {
		if n := testing.AllocsPerRun(100, func() { estimate.Text(s.text, estimate.O200K) }); n != 0 {
			t.Errorf("%s: allocs = %v, want 0", s.kind, n)
		}
	}
}

func TestEncodingFor(t *testing.T) {
	tests := []struct {
		model string
		want  estimate.Encoding
	}{
		{"gpt-4", estimate.CL100K},
		{"gpt-4-0613", estimate.CL100K},
		{"gpt-4-turbo-2024-04-09", estimate.CL100K},
		{"gpt-4-32k", estimate.CL100K},
		{"gpt-3.5-turbo", estimate.CL100K},
		{"azure/gpt-35-turbo-16k", estimate.CL100K},
		{"GPT-4", estimate.CL100K},
		{"openai/gpt-4", estimate.CL100K},
		{"openrouter/openai/gpt-4-turbo", estimate.CL100K},
		{"ft:gpt-3.5-turbo-0125:my-org::abc123", estimate.CL100K},
		{"ft:gpt-4:my-org", estimate.CL100K},
		{"text-embedding-ada-002", estimate.CL100K},
		{"text-embedding-3-large", estimate.CL100K},
		{"gpt-4o", estimate.O200K},
		{"gpt-4o-mini-2024-07-18", estimate.O200K},
		{"azure/gpt-4.1-nano", estimate.O200K},
		{"gpt-4.5-preview", estimate.O200K},
		{"gpt-5", estimate.O200K},
		{"o1-mini", estimate.O200K},
		{"ft:gpt-4o-2024-08-06:my-org::abc123", estimate.O200K},
		{"claude-sonnet-4", estimate.O200K},
		{"gpt-40", estimate.O200K},
		{"azure/", estimate.O200K},
		{"ft:", estimate.O200K},
		{"", estimate.O200K},
	}
	for _, tt := range tests {
		t.Run(tt.model, func(t *testing.T) { require.Equal(t, tt.want, estimate.EncodingFor(tt.model)) })
	}
}
