package estimate_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

// Counts that OpenAI's cookbook and tokenizer page give for these texts.
func TestExactKnownCounts(t *testing.T) {
	tests := []struct {
		text          string
		o200k, cl100k int64
	}{
		{"", 0, 0},
		{"antidisestablishmentarianism", 6, 6},
		{"2 + 2 = 4", 7, 7},
		{"お誕生日おめでとう", 8, 9},
		{"<|endoftext|>", 7, 7},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			for enc, want := range map[estimate.Encoding]int64{estimate.O200K: tt.o200k, estimate.CL100K: tt.cl100k} {
				got, err := newExact(t, enc).Text(tt.text)
				require.NoError(t, err)
				require.Equal(t, want, got, enc)
			}
		})
	}
}

func TestNewExact(t *testing.T) {
	_, err := estimate.NewExact(7)
	require.ErrorContains(t, err, "no encoding has the number 7")
	require.Same(t, newExact(t, estimate.CL100K), newExact(t, estimate.CL100K), "loaded once")
	require.Equal(t, estimate.CL100K, newExact(t, estimate.CL100K).Encoding())
}

// A count that was not made is an error: never 0, never a guess.
func TestExactRefuses(t *testing.T) {
	exact := newExact(t, estimate.CL100K)
	tests := []struct {
		name string
		text string
	}{
		{"too many bytes", strings.Repeat("a b ", estimate.MaxExact/4+1)},
		{"a stretch of letters", strings.Repeat("a", 100_000)},
		{"a stretch of dashes", strings.Repeat("-", 100_000)},
		{"a stretch of spaces", strings.Repeat(" ", 100_000)},
		{"many stretches", strings.Repeat(strings.Repeat("x", 8_000)+" ", 20)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := exact.Text(tt.text)
			require.ErrorIs(t, err, estimate.ErrTooLong)
			require.Less(t, time.Since(start), 5*time.Second)
		})
	}

	var zero estimate.Exact
	_, err := zero.Text("a")
	require.ErrorContains(t, err, "not from NewExact")
	_, err = (*estimate.Exact)(nil).Text("a")
	require.ErrorContains(t, err, "not from NewExact")
}

func TestExactInvalidUTF8(t *testing.T) {
	exact := newExact(t, estimate.CL100K)
	want, err := exact.Text("a\uFFFD\uFFFDb")
	require.NoError(t, err)
	got, err := exact.Text("a\xff\xfeb")
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestConcurrent(t *testing.T) {
	all := samples(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, enc := range []estimate.Encoding{estimate.O200K, estimate.CL100K} {
				exact, err := estimate.NewExact(enc)
				if err != nil {
					t.Error(err)
					return
				}
				for _, s := range all {
					if n, err := exact.Text(s.text); err != nil || n == 0 {
						t.Errorf("%s: %d, %v", s.kind, n, err)
					}
					estimate.Text(s.text, enc)
				}
			}
		})
	}
	wg.Wait()
}
