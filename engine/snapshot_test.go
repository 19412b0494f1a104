package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

func saved(t *testing.T, e *engine.Engine) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, e.Snapshot(&b))
	return b.String()
}

// TestSnapshotHoldsADay: without a store the day's limit holds over restarts.
func TestSnapshotHoldsADay(t *testing.T) {
	cfg := one(engine.Limits{RPD: 10, TPD: 1000})
	e, clock := start(t, cfg)
	admitted := 0
	for range 5 {
		for range 3 {
			if _, ok := group(t, e, "chat").TryAcquire(exactly(10)); ok {
				admitted++
			}
		}
		s := saved(t, e)
		e, clock = startAt(t, clock.Now().Add(time.Hour), cfg)
		require.NoError(t, e.Restore(strings.NewReader(s)))
		require.EqualValues(t, 10*admitted, state(t, e, "a").Limit(engine.LimitTPD).Used)
	}
	require.Equal(t, 10, admitted)
	require.NoError(t, e.Restore(strings.NewReader(saved(t, e))))
	require.EqualValues(t, 10, state(t, e, "a").Limit(engine.LimitRPD).Used, "restoring again replaces")

	s := saved(t, e)
	next, _ := startAt(t, clock.Now().Add(24*time.Hour), cfg)
	require.NoError(t, next.Restore(strings.NewReader(s)))
	require.Zero(t, state(t, next, "a").Limit(engine.LimitRPD).Used, "a day that has ended")
	require.NoError(t, next.Restore(strings.NewReader(saved(t, next))), "nothing used")
}

// TestRestoredCountsAsOthers: Collect never lists it, the first Absorb that knows
// of the day replaces it, and Restore changes nothing that Absorb has brought.
func TestRestoredCountsAsOthers(t *testing.T) {
	cfg := one(engine.Limits{RPD: 10})
	e, _ := start(t, cfg)
	acquire(t, group(t, e, "chat"), exactly(1))
	e.Absorb([]window.Share{{Tally: day(firstMinute, 4, 0)}})
	s := saved(t, e)
	today := firstMinute.Truncate(24 * time.Hour)

	e, _ = start(t, cfg)
	acquire(t, group(t, e, "chat"), exactly(1))
	require.NoError(t, e.Restore(strings.NewReader(s)))
	require.Equal(t, [2]int64{6, 5}, [2]int64{state(t, e, "a").Limit(engine.LimitRPD).Used, state(t, e, "a").Limit(engine.LimitRPD).Remote})
	r, _ := reported(e, window.KindDay, today)
	require.EqualValues(t, 1, r.Requests)
	e.Absorb([]window.Share{{Tally: day(today, -1, -1), CeilingRequests: 2}})
	require.EqualValues(t, 6, state(t, e, "a").Limit(engine.LimitRPD).Used, "an Absorb that does not know")
	require.NoError(t, e.Restore(strings.NewReader(s)))
	acquire(t, group(t, e, "chat"), exactly(1))
	require.Equal(t, engine.LimitShare, refusal(t, group(t, e, "chat"), exactly(1)).Limit, "the ceiling stays")
	e.Absorb([]window.Share{{Tally: day(today, 7, 0)}})
	require.EqualValues(t, 9, state(t, e, "a").Limit(engine.LimitRPD).Used)
	require.NoError(t, e.Restore(strings.NewReader(s)))
	require.EqualValues(t, 9, state(t, e, "a").Limit(engine.LimitRPD).Used)
}

// TestRestoreIgnores: what does not fit this configuration.
func TestRestoreIgnores(t *testing.T) {
	s := fmt.Sprintf(`{"version":1,"days":[{"id":"a","kind":"day","start":%d,"requests":3,"tokens":4}]}`, firstMinute.Truncate(24*time.Hour).Unix())
	for name, cfg := range map[string]engine.Config{
		"no limits per day": one(engine.Limits{RPM: 10}),
		"other days":        profiled(engine.Limits{RPD: 10}, provider.Profile{Day: provider.DayPacific}),
		"unknown":           {Deployments: []engine.Deployment{{ID: "b", Group: "chat", Limits: engine.Limits{RPD: 10}}}},
	} {
		e, _ := start(t, cfg)
		require.NoError(t, e.Restore(strings.NewReader(s)), name)
		for _, st := range e.AppendStates(nil) {
			require.Zero(t, st.Limit(engine.LimitRPD).Used, name)
		}
	}
	e, _ := start(t, one(engine.Limits{RPD: 10}))
	require.NoError(t, e.Restore(strings.NewReader(s)))
	require.Equal(t, [2]int64{3, 0}, [2]int64{state(t, e, "a").Limit(engine.LimitRPD).Used, state(t, e, "a").Limit(engine.LimitTPD).Remote}, "no limit on tokens, no count of them")
	require.NoError(t, e.Apply(one(engine.Limits{RPD: 10, TPD: 1000})))
	require.Equal(t, [2]int64{3, 0}, [2]int64{state(t, e, "a").Limit(engine.LimitRPD).Used, state(t, e, "a").Limit(engine.LimitTPD).Used})
}

type brokenPipe struct{}

var errPipe = errors.New("pipe broken")

func (brokenPipe) Read([]byte) (int, error)  { return 0, errPipe }
func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

// endless never ends, so that a test does not if its reader does not stop.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestRestoreRefuses(t *testing.T) {
	today := firstMinute.Truncate(24 * time.Hour).Unix()
	entry := func(id, kind string, start, requests, tokens any) string {
		return fmt.Sprintf(`{"id":%q,"kind":%q,"start":%v,"requests":%v,"tokens":%v}`, id, kind, start, requests, tokens)
	}
	good := entry("a", "day", today, 5, 0)
	of := func(days ...string) string { return `{"version":1,"days":[` + strings.Join(days, ",") + `]}` }
	for _, test := range []struct{ name, in, want string }{
		{"nothing", "", "EOF"},
		{"no JSON", "hello", "invalid character"},
		{"cut off", of(good)[:30], "unexpected EOF"},
		{"a list", "[]", "cannot unmarshal"},
		{"more than one", of(good) + "{}", "something follows"},
		{"no version", `{"days":[]}`, "version 0"},
		{"another version", `{"version":2,"days":[]}`, "version 2"},
		{"an unknown field", `{"version":1,"days":[],"x":1}`, `"x"`},
		{"no list", `{"version":1,"days":{}}`, "days: a list"},
		{"an unknown field of a day", `{"version":1,"days":[{"id":"a","x":1}]}`, `days[0]: json: unknown field "x"`},
		{"no id", of(good, entry("", "day", today, 1, 1)), "days[1].id: is empty"},
		{"twice", of(good, good), `days[1].id: "a" is there twice`},
		{"kind", of(good, entry("b", "minute", today, 1, 1)), `days[1].kind: "minute"`},
		{"kind of no limit", of(good, entry("b", "phased", today, 1, 1)), `days[1].kind: "phased"`},
		{"not a beginning", of(good, entry("b", "day", today+60, 1, 1)), "days[1].start: no day begins at"},
		{"another zone's beginning", of(good, entry("b", "day-pacific", today, 1, 1)), "days[1].start: no day begins at"},
		{"before time", of(good, entry("b", "day", -86400, 1, 1)), "days[1].start: -86400"},
		{"after time", of(good, entry("b", "day", int64(1)<<62, 1, 1)), "days[1].start"},
		{"negative", of(good, entry("b", "day", today, -1, 1)), "days[1].requests: -1"},
		{"absurd", of(good, entry("b", "day", today, 1, int64(1)<<50)), "days[1].tokens: "},
		{"a fraction", of(good, entry("b", "day", today, 1.5, 1)), "days[1]: json"},
		{"too many", of(good, strings.Repeat("{},", 2*(engine.MaxDeployments+engine.MaxCallers))+"{}"), "days: more than 40000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, _ := start(t, one(engine.Limits{RPD: 10}))
			err := e.Restore(strings.NewReader(test.in))
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "engine: snapshot: ")
			require.Zero(t, state(t, e, "a").Limit(engine.LimitRPD).Used, "nothing has changed")
		})
	}
	e, _ := start(t, one(engine.Limits{RPD: 10}))
	require.ErrorIs(t, e.Restore(brokenPipe{}), errPipe)
	require.ErrorIs(t, e.Restore(io.MultiReader(strings.NewReader(of(good)[:20]), brokenPipe{})), errPipe)
	require.ErrorContains(t, e.Restore(endless{}), "larger than")
	require.ErrorIs(t, e.Snapshot(brokenPipe{}), errPipe)
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{"version":1,"days":[{"id":"a","kind":"day","start":1741046400,"requests":3,"tokens":4}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, _ := start(t, one(engine.Limits{RPD: 10, TPD: 100}))
		err := e.Restore(bytes.NewReader(b))
		s := state(t, e, "a")
		if err != nil {
			require.Zero(t, s.Limit(engine.LimitRPD).Used|s.Limit(engine.LimitTPD).Used)
			return
		}
		again, _ := start(t, one(engine.Limits{RPD: 10, TPD: 100}))
		require.NoError(t, again.Restore(strings.NewReader(saved(t, e))))
		require.Equal(t, s, state(t, again, "a"))
	})
}

// TestListedOnceWhileDeploymentsMove: a deployment that moves from group to group is in every
// snapshot, in every Collect and List, and among the states once.
func TestListedOnceWhileDeploymentsMove(t *testing.T) {
	in := func(group string) engine.Config {
		return engine.Config{Deployments: []engine.Deployment{
			{ID: "a", Group: group, Limits: engine.Limits{RPD: 10}}, {ID: "b", Group: "chat"}, {ID: "c", Group: "embed"},
		}}
	}
	there, back := in("chat"), in("embed")
	e, _ := start(t, there)
	ref(t, e, "a").PreCheck(engine.Demand{})
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{})
	defer close(done)
	wg.Go(func() {
		for k := 0; ; k++ {
			select {
			case <-done:
				return
			default:
				assert.NoError(t, e.Apply([]engine.Config{there, back}[k%2]))
			}
		}
	})
	for range 3000 {
		var b bytes.Buffer
		require.NoError(t, e.Snapshot(&b))
		require.Equal(t, 1, bytes.Count(b.Bytes(), []byte(`"id":"a"`)), b.String())
		require.Len(t, slices.DeleteFunc(e.AppendStates(nil), func(s engine.State) bool { return s.ID != "a" }), 1)
		for _, reports := range [][]window.Report{e.Collect(nil), e.List(nil)} {
			require.Len(t, slices.DeleteFunc(reports, func(r window.Report) bool { return r.ID != "a" || r.Kind != window.KindMinute }), 1)
		}
	}
}
