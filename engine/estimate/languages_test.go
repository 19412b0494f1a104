package estimate_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

// The first articles of the Universal Declaration of Human Rights, a language a line, as
// https://www.unicode.org/udhr has them: a text in the public domain. "+nfd" is decomposed
// text. The weights were fitted on no text in most of these languages: of the Latin and
// Cyrillic ones, on Estonian, Turkish, Swahili and Vietnamese.
func TestTextInManyLanguages(t *testing.T) {
	data, err := os.ReadFile("testdata/declaration.tsv")
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		language, text, found := strings.Cut(strings.TrimSpace(line), "\t")
		require.True(t, found, line)
		for _, enc := range []estimate.Encoding{estimate.O200K, estimate.CL100K} {
			t.Run(language+"/"+enc.String(), func(t *testing.T) {
				want, err := newExact(t, enc).Text(text)
				require.NoError(t, err)
				got := estimate.Text(text, enc)
				miss := float64(got)/float64(want) - 1
				t.Logf("estimate %d, exact %d: %+.1f %%", got, want, 100*miss)
				require.Less(t, math.Abs(miss), 0.2)
			})
		}
	}
}
