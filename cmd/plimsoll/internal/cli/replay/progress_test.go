package replay

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
)

func TestProgressDrawsNowAndThen(t *testing.T) {
	var drawn strings.Builder
	now := time.Unix(0, 0)
	p := &progress{w: &drawn, total: 200, label: requestsDone, now: func() time.Time { return now }, last: now}

	p.show(10) // too soon
	require.Empty(t, drawn.String())

	now = now.Add(redrawAfter)
	p.show(50)
	p.show(60)
	require.Equal(t, "\r\x1b[K[=======                       ]  25 %  50 of 200 requests", drawn.String())

	drawn.Reset()
	now = now.Add(redrawAfter)
	p.show(200)
	p.clear()
	p.clear()
	require.Equal(t, "\r\x1b[K[==============================] 100 %  200 of 200 requests\r\x1b[K", drawn.String())
}

func TestNoProgressWithoutATerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/stderr")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	for _, env := range []cmdline.Environment{
		{Getenv: os.Getenv, Stderr: &strings.Builder{}},
		{Getenv: os.Getenv, Stderr: file},
	} {
		p := newProgress(env, 10)
		p.last = time.Time{}
		p.show(5)
		p.clear()
		require.Nil(t, p.w)
	}
}
