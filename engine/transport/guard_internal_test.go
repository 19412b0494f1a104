package transport

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLateAfterTheFirstByte: a provider may answer while the request is still being sent.
// A timer that is set again at that moment does not end the answer.
func TestLateAfterTheFirstByte(t *testing.T) {
	g := newGuard(t.Context(), Timeouts{FirstByte: time.Hour}, false)
	defer g.end()
	g.began.Store(true)
	g.late()
	require.NoError(t, g.ctx.Err())
	g.began.Store(false)
	g.late()
	require.Error(t, g.ctx.Err())
}
