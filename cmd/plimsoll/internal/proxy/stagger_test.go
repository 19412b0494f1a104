package proxy_test

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// refusals sends n calls at once and returns the Retry-After-Ms of those refused, in
// order.
func (b *bench) refusals(t *testing.T, n int) (waits []int, headers []http.Header) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			resp, _ := b.post(t, chatPath, chat)
			if resp.StatusCode != 429 {
				return
			}
			ms, err := strconv.Atoi(resp.Header.Get("Retry-After-Ms"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			waits, headers = append(waits, ms), append(headers, resp.Header)
		})
	}
	wg.Wait()
	slices.Sort(waits)
	return waits, headers
}

// Clients that a bucket refuses at the same time get waits one refill apart, so that
// each finds what it needs.
func TestRetriesOfABucketAreSpread(t *testing.T) {
	b := newBench(t, change{limits: engine.Limits{RPM: 30}, change: func(c *engine.Config) { c.Deployments[0].Profile = provider.Profile{Shape: provider.Bucket} }}, answers(200, plain))
	waits, headers := b.refusals(t, 45)
	require.Len(t, waits, 15)
	for k, ms := range waits { // 2 s each; the clock of the engine stands still
		low := 2000 * (k + 1)
		require.GreaterOrEqual(t, ms, low-1000, "client %d of %v", k, waits)
		require.LessOrEqual(t, ms, low*11/10+1000, "client %d of %v", k, waits)
	}
	for _, h := range headers {
		require.Empty(t, h.Get("X-Should-Retry"))
		s, err := strconv.Atoi(h.Get("Retry-After"))
		require.NoError(t, err)
		ms, _ := strconv.Atoi(h.Get("Retry-After-Ms"))
		require.Equal(t, (ms+999)/1000, s)
	}
	waits, _ = b.refusals(t, 60) // more than a minute refills
	require.LessOrEqual(t, slices.Max(waits), 60_000)
}

// Clients that a minute refuses are spread over the first seconds of the next one.
func TestRetriesOfAMinuteAreSpread(t *testing.T) {
	b := newBench(t, change{limits: engine.Limits{RPM: 1}}, answers(200, plain))
	waits, headers := b.refusals(t, 41)
	require.Len(t, waits, 40)
	require.GreaterOrEqual(t, waits[0], 60_000-1)
	require.LessOrEqual(t, waits[39], 65_000*11/10)
	seen := map[int]bool{}
	for _, ms := range waits {
		seen[ms/250] = true
	}
	require.Greater(t, len(seen), 15, "%v", waits)
	require.Equal(t, "false", headers[0].Get("X-Should-Retry"), "an SDK would sleep through its own time-out")
}

// What a day refuses is for no client to wait for.
func TestLongWaits(t *testing.T) {
	b := newBench(t, change{limits: engine.Limits{RPD: 1}}, answers(200, plain))
	waits, headers := b.refusals(t, 3)
	require.Len(t, waits, 2)
	for i, ms := range waits {
		d := time.Duration(ms) * time.Millisecond
		require.InDelta(t, (12*time.Hour + 36*time.Minute).Seconds(), d.Seconds(), (37 * time.Minute).Seconds())
		require.Equal(t, "false", headers[i].Get("X-Should-Retry"))
	}
}
