package provider

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each row of the table says something, in the case in which it is searched, and
// where it is from; none is hidden behind an earlier one.
func TestWords(t *testing.T) {
	for i, w := range words {
		require.NotEmpty(t, w.source, "row %d", i)
		require.NotEmpty(t, w.code+w.text, "row %d", i)
		require.Equal(t, strings.ToLower(w.code+w.text), w.code+w.text, "row %d", i)
		for _, o := range words[:i] {
			hidden := strings.Contains(w.squeezed, o.squeezed) && strings.Contains(w.text, o.text) && (o.status == 0 || o.status == w.status) && (o.from == "" || o.from == w.from)
			require.False(t, hidden, "row %d (%q %q) is never reached", i, w.code, w.text)
		}
	}
}
