package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// exactEngine returns an engine on a standing clock with deployments of one group, in
// which windows without a share are closed.
func exactEngine(t *testing.T, limits engine.Limits, ids ...string) (*engine.Engine, *engine.Group, <-chan struct{}) {
	t.Helper()
	at := time.Date(2025, 3, 4, 12, 34, 10, 0, time.UTC)
	cfg := engine.Config{Clock: window.NewClockFrom(func() time.Time { return at })}
	for _, id := range ids {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat", Limits: limits})
	}
	e, err := engine.New(cfg)
	require.NoError(t, err)
	g, err := e.Group("chat")
	require.NoError(t, err)
	return e, g, e.Short()
}

func share(id string, others, ceiling int64) window.Share {
	start := time.Date(2025, 3, 4, 12, 34, 0, 0, time.UTC).Unix()
	return window.Share{Tally: window.Tally{ID: id, Start: start, Requests: others}, CeilingRequests: ceiling, Retry: 150 * time.Millisecond}
}

// TestWant: what a ceiling refuses is wanted once, and what a limit refuses is not.
func TestWant(t *testing.T) {
	e, g, short := exactEngine(t, engine.Limits{RPM: 10}, "a")
	e.Absorb([]window.Share{share("a", 0, 2)})
	for range 5 {
		g.TryAcquire(engine.Demand{InputTokens: 30, OutputTokens: engine.NoOutput})
	}
	require.Len(t, short, 1)
	<-short
	require.Equal(t, []window.Want{{ID: "a", Missed: 3, MissedTokens: 90, MissedInput: 90, Largest: 30}}, e.Want(nil))
	require.Empty(t, e.Want(nil))
	_, err := g.Acquire(engine.Demand{InputTokens: 7})
	var limited *engine.LimitError
	require.ErrorAs(t, err, &limited)
	require.Equal(t, engine.LimitShare, limited.Limit)
	require.Equal(t, 150*time.Millisecond, limited.RetryAfter)
	require.Len(t, e.Want(nil), 1)
	<-short

	e.Absorb([]window.Share{share("a", 8, 2)})
	_, err = g.Acquire(engine.Demand{InputTokens: 7})
	require.ErrorAs(t, err, &limited)
	require.Equal(t, engine.LimitRPM, limited.Limit, "others have used the rest")
	require.Empty(t, e.Want(nil))
	require.Empty(t, short)
}

// TestWantSpreads: several requests are wanted of several deployments, those used least
// first, and of none that takes no requests.
func TestWantSpreads(t *testing.T) {
	e, g, _ := exactEngine(t, engine.Limits{RPM: 10}, "a", "b", "c")
	c, err := e.Ref("c")
	require.NoError(t, err)
	c.SetEnabled(false)
	e.Absorb([]window.Share{share("a", 5, -1), share("b", 1, -1)})
	g.TryAcquire(engine.Demand{InputTokens: 10, OutputTokens: engine.NoOutput})
	require.Equal(t, []window.Want{{ID: "b", Missed: 1, MissedTokens: 10, MissedInput: 10, Largest: 10}}, e.Want(nil))
	for range 5 {
		g.TryAcquire(engine.Demand{})
	}
	wants := e.Want(nil)
	require.Len(t, wants, 2)
	require.Equal(t, "b", wants[0].ID)
	require.EqualValues(t, 5, wants[0].Missed+wants[1].Missed)
}

// TestWantOfBuckets: what is wanted one after the other is wanted of the bucket that holds the
// most, and not of the first again and again. What others have reserved counts.
func TestWantOfBuckets(t *testing.T) {
	at := time.Date(2025, 3, 4, 12, 34, 10, 0, time.UTC)
	cfg := engine.Config{Clock: window.NewClockFrom(func() time.Time { return at })}
	for _, id := range []string{"a", "b", "c"} {
		cfg.Deployments = append(cfg.Deployments, engine.Deployment{ID: id, Group: "chat", Limits: engine.Limits{TPM: 6000}, Profile: provider.Profile{Shape: provider.Bucket}})
	}
	e, err := engine.New(cfg)
	require.NoError(t, err)
	g, err := e.Group("chat")
	require.NoError(t, err)
	e.Short()
	slice := func(id string, others, ceiling int64) window.Share {
		return window.Share{Tally: window.Tally{ID: id, Kind: window.KindSlice, Start: at.Unix(), Tokens: others}, CeilingTokens: ceiling}
	}
	demand := engine.Demand{InputTokens: 100, OutputTokens: engine.NoOutput}
	var wanted []string
	for range 3 {
		_, ok := g.TryAcquire(demand)
		require.False(t, ok)
		wants := e.Want(nil)
		require.Len(t, wants, 1)
		wanted = append(wanted, wants[0].ID)
		e.Absorb([]window.Share{slice(wants[0].ID, 0, 100)})
		_, ok = g.TryAcquire(demand)
		require.True(t, ok)
	}
	require.Equal(t, []string{"a", "b", "c"}, wanted)
	e.Absorb([]window.Share{slice("a", 500, 100)})
	g.TryAcquire(demand)
	wants := e.Want(nil)
	require.Len(t, wants, 1)
	require.Equal(t, "b", wants[0].ID)
}

// TestShortCloses: from Short on, a minute that no share has named admits nothing under
// limits, in deployments that are new as well; what has no limit is not bounded.
func TestShortCloses(t *testing.T) {
	at := time.Date(2025, 3, 4, 12, 34, 10, 0, time.UTC)
	cfg := engine.Config{
		Clock:       window.NewClockFrom(func() time.Time { return at }),
		Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}},
	}
	e, err := engine.New(cfg)
	require.NoError(t, err)
	r, err := e.Ref("a")
	require.NoError(t, err)
	require.True(t, r.PreCheck(engine.Demand{}))
	e.Short()
	at = at.Add(3 * time.Minute)
	require.False(t, r.PreCheck(engine.Demand{}))
	cfg.Deployments = append(cfg.Deployments,
		engine.Deployment{ID: "new", Group: "chat", Limits: engine.Limits{TPM: 100}}, engine.Deployment{ID: "free", Group: "chat"})
	require.NoError(t, e.Apply(cfg))
	g, err := e.Group("chat")
	require.NoError(t, err)
	lease, ok := g.TryAcquire(engine.Demand{InputTokens: 1})
	require.True(t, ok)
	require.Equal(t, "free", lease.Ref().ID())
}

// TestWantOfWaiters: a request that waits is wanted for as long as it waits, and admitted
// as soon as the ceiling allows it.
func TestWantOfWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{
			Clock:       window.NewClockFrom(time.Now),
			Deployments: []engine.Deployment{{ID: "a", Group: "chat", Limits: engine.Limits{RPM: 10}}},
		})
		require.NoError(t, err)
		short := e.Short()
		closed := window.Share{Tally: window.Tally{ID: "a", Start: time.Now().Unix() / 60 * 60}, CeilingRequests: -1}
		e.Absorb([]window.Share{closed})
		g, err := e.Group("chat")
		require.NoError(t, err)
		done := make(chan error)
		go func() {
			_, err := g.Wait(context.Background(), engine.Demand{InputTokens: 40, OutputTokens: engine.NoOutput})
			done <- err
		}()
		synctest.Wait()
		require.Len(t, short, 1)
		for range 2 {
			require.Equal(t, []window.Want{{ID: "a", Waiting: 1, WaitingTokens: 40, WaitingInput: 40, Largest: 40}}, e.Want(nil))
		}
		begun := time.Now()
		closed.CeilingRequests = 1
		e.Absorb([]window.Share{closed})
		require.NoError(t, <-done)
		require.Zero(t, time.Since(begun))
		require.Empty(t, e.Want(nil))
	})
}

func TestWantParts(t *testing.T) {
	w := window.Want{Missed: 5, MissedTokens: 100, Waiting: 3, WaitingTokens: 30, Largest: 60}
	part := w.Part(3)
	require.Equal(t, window.Want{Missed: 2, MissedTokens: 34, Waiting: 1, WaitingTokens: 10, Largest: 60}, part)
	require.Equal(t, window.Want{Missed: 3, MissedTokens: 66, Waiting: 2, WaitingTokens: 20, Largest: 60}, w.Minus(part))
}

// TestWantKnownFull: where the limit itself has too little left, no grant would help, and a
// caller of AcquireGranted is refused at once. It has missed no grant, and is none that would
// not have waited.
func TestWantKnownFull(t *testing.T) {
	e, g, short := exactEngine(t, engine.Limits{TPM: 1000}, "a")
	e.GrantWithin(time.Hour)
	s := share("a", 0, -1)
	s.Tokens, s.CeilingTokens = 500, 400
	e.Absorb([]window.Share{s})
	_, err := g.AcquireGranted(t.Context(), engine.Demand{InputTokens: 800, OutputTokens: engine.NoOutput})
	var limited *engine.LimitError
	require.ErrorAs(t, err, &limited)
	require.Equal(t, engine.LimitTPM, limited.Limit)
	require.Empty(t, e.Want(nil))
	require.Empty(t, short)
}
