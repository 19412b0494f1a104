package valkeystore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/storetest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// keysOf returns the names of the server's keys without their head, except
// markers.
func keysOf(tb testing.TB, server *servertest.Server) (names []string) {
	tb.Helper()
	for _, key := range server.Do(tb, "KEYS", "*").([]any) {
		_, name, ours := strings.Cut(key.(string), "}:")
		if !ours {
			name = key.(string)
		}
		if _, rest, found := strings.Cut(name, ":"); found && (strings.HasPrefix(rest, "c:") || strings.HasPrefix(rest, "d:")) {
			name = rest // without the epoch
		}
		if !strings.HasPrefix(name, "d:") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestKeys: every count has a key of its own, made when it is first used, whose
// TTL fits its window; and a plain deployment has none but its two.
func TestKeys(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at := begin()
	n.add(tally("plain", at, 1, 10))
	want := []string{fmt.Sprintf("c:plain:r:%d", at), fmt.Sprintf("c:plain:t:%d", at), "e", "n"}
	if got := keysOf(t, server); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("keys = %q, want %q", got, want)
	}

	day, end := window.KindDay.Span(at)
	pacific, pacificEnd := window.KindDayPacific.Span(at)
	hour, hourEnd := window.KindHour.Span(at)
	b := n.next(
		window.Tally{ID: "a", Start: at, Requests: 1, Tokens: 10, Input: 7, Output: 3},
		window.Tally{ID: "a", Kind: window.KindHour, Start: hour, Tokens: 10},
		window.Tally{ID: "a", Kind: window.KindDay, Start: day, Requests: 1},
		window.Tally{ID: "a", Kind: window.KindDayPacific, Start: pacific, Tokens: 10},
	)
	b.Counts = []syncer.Counts{0, syncer.CountTokens, syncer.CountRequests, syncer.CountTokens}
	n.resolve(b)
	left := map[string]int64{
		fmt.Sprintf("c:a:i:%d", at): 130, fmt.Sprintf("c:a:o:%d", at): 130, fmt.Sprintf("c:a:r:%d", at): 130, fmt.Sprintf("c:a:t:%d", at): 130,
		fmt.Sprintf("c:a:dr:%d", day): end + 180 - time.Now().Unix(), fmt.Sprintf("c:a:pt:%d", pacific): pacificEnd + 180 - time.Now().Unix(),
		fmt.Sprintf("c:a:ht:%d", hour): max(hourEnd+180-time.Now().Unix(), 130),
	}
	for _, name := range keysOf(t, server) {
		if slices.Contains(want, name) {
			continue
		}
		ttl, expected := server.Do(t, "TTL", counters(t, server)+strings.TrimPrefix(name, "c:")).(int64), left[name]
		if expected == 0 || ttl > expected+2 || ttl < expected-5 {
			t.Errorf("TTL of %q = %d, want %d", name, ttl, expected)
		}
		delete(left, name)
	}
	if len(left) != 0 {
		t.Errorf("no keys %v", left)
	}

	// Again: nothing new, and the TTL stays.
	key := fmt.Sprintf("%sa:dr:%d", counters(t, server), day)
	server.Do(t, "EXPIRE", key, "1000")
	n.add(window.Tally{ID: "a", Kind: window.KindDay, Start: day, Requests: 1})
	if ttl := server.Do(t, "TTL", key).(int64); ttl > 1000 {
		t.Errorf("TTL = %d, want that of the first touch", ttl)
	}
	// A key that came back has one again.
	server.Do(t, "DEL", key)
	n.add(window.Tally{ID: "a", Kind: window.KindDay, Start: day, Requests: 1})
	n.add()
	ttls(t, server)
}

// TestLiteLLMHasNoSuchCounts: what LiteLLM has no keys for is under our prefix.
func TestLiteLLMHasNoSuchCounts(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{
		KeyFormat: valkeystore.FormatLiteLLM, Model: func(string) string { return "m" },
	}))
	at := begin()
	day, _ := window.KindDay.Span(at)
	minute := time.Unix(at, 0).UTC().Format("15-04")
	d := window.Tally{ID: "a", Start: at, Requests: 1, Tokens: 10, Input: 7, Output: 3, CoolUntil: time.Now().Add(time.Minute).UnixMilli()}
	n.add(d, window.Tally{ID: "a", Kind: window.KindDay, Start: day, Requests: 1, Tokens: 10})
	want := []string{
		"a:m:rpm:" + minute, "a:m:tpm:" + minute, fmt.Sprintf("c:a:dr:%d", day), fmt.Sprintf("c:a:dt:%d", day),
		fmt.Sprintf("c:a:i:%d", at), fmt.Sprintf("c:a:o:%d", at), "g", "v", "w",
	}
	if got := slices.DeleteFunc(keysOf(t, server), func(k string) bool { return k == "n" }); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("keys = %q, want %q", got, want)
	}
	if ttl := server.Do(t, "TTL", "plimsoll2:{default.0}:"+want[4]).(int64); ttl <= 60 {
		t.Errorf("TTL = %d, want 130 s: LiteLLM does not know the key", ttl)
	}
	ttls(t, server)
}

// TestForeignCooldowns: a set with garbage in it, and a key that is none, keep no
// batch from counting.
func TestForeignCooldowns(t *testing.T) {
	const key = "plimsoll2:{default.0}:w"
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at, now := begin(), time.Now().UnixMilli()
	garbage := []string{"ZADD", key, "inf", "for ever", "-inf", "never", "1e300", "huge", fmt.Sprint(now - 5000), "past"}
	for i := range 3000 {
		garbage = append(garbage, fmt.Sprint(now+3_600_000+int64(i)), fmt.Sprint("x", i))
	}
	server.Do(t, garbage...)
	d := tally("a", at, 1, 10)
	d.CoolUntil = now + 60_000
	r := n.add(d)
	if len(r.Cooling) != syncer.MaxCooling || r.Cooling[0].ID != "a" || r.Cooling[0].CoolUntil != d.CoolUntil {
		t.Errorf("%d cooldowns, the first %+v", len(r.Cooling), r.Cooling[0])
	}
	for _, c := range r.Cooling {
		if c.CoolUntil < now || c.CoolUntil > now+syncer.MaxCooldown+60_000 {
			t.Errorf("%+v", c)
		}
	}
	if got := server.Do(t, "ZSCORE", key, "past"); got != nil {
		t.Errorf("what has passed is still there: %v", got)
	}
	ttls(t, server)

	server.Do(t, "DEL", key)
	server.Do(t, "SET", key, "mine")
	d.Requests, d.CoolUntil = 1, now+90_000
	r = n.add(d)
	if len(r.Cooling) != 0 || len(r.Refused) != 0 || r.Totals[0] != tally("a", at, 2, 20) {
		t.Errorf("reply = %+v", r)
	}
}

// TestOldRepeatsDoNotShorten: a batch that the network delivers again, and one
// that a store had lost and takes late, leave the latest instant as it is.
func TestOldRepeatsDoNotShorten(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at, now := begin(), time.Now().UnixMilli()
	until := func(ms int64) window.Tally {
		d := tally("a", at, 1, 0)
		d.CoolUntil = now + ms
		return d
	}
	server.Do(t, "SAVE")
	lost := n.next(until(30_000))
	n.resolve(lost)
	server.Kill(t)
	server.Run(t)
	server.Await(t)
	n.add(until(60_000))
	seq := n.seq
	if r := n.resolve(lost); r.Duplicate || len(r.Cooling) != 1 || r.Cooling[0].CoolUntil != now+60_000 {
		t.Errorf("the lost batch again: %+v", r)
	}
	n.seq = seq
	if r := n.add(); len(r.Cooling) != 1 || r.Cooling[0].CoolUntil != now+60_000 {
		t.Errorf("cooling = %v", r.Cooling)
	}
}

// TestSharedCountsOnAServer: two gateways with real engines share a day, input,
// output and cooldowns, on a single server and a cluster, and a third that joins
// knows them after its first exchange.
func TestSharedCountsOnAServer(t *testing.T) {
	single := servertest.Start(t)
	for name, url := range map[string]string{"single": single.URL(), "cluster": servertest.StartCluster(t, 3).URL()} {
		t.Run(name, func(t *testing.T) {
			limits := engine.Limits{RPM: 10_000, RPD: 50, TPD: 100_000, InputTPM: 3000, OutputTPM: 400}
			now := middle()
			a, b := gatewayOn(t, url, now, limits), gatewayOn(t, url, now, limits)
			a.use(20, 100, 10)
			a.sync()
			b.use(1, 1, 1)
			want := [4]int64{2000, 200, 20, 2200}
			servertest.Until(t, "totals that do not grow end the forecast", func() bool {
				b.sync()
				s := b.state()
				return [4]int64{s.Limit(engine.LimitInputTPM).Remote, s.Limit(engine.LimitOutputTPM).Remote, s.Limit(engine.LimitRPD).Remote, s.Limit(engine.LimitTPD).Remote} == want
			})
			if got := b.use(30, 100, 1); got != 9 {
				t.Errorf("%d admitted, want 9 by input", got)
			}
			b.cooldown(time.Hour)
			if err := b.e.Observe("dep", provider.Signal{}.With(provider.RPM, provider.Reading{Limit: 9000})); err != nil {
				t.Fatal(err)
			}
			b.sync()
			c := gatewayOn(t, url, now, limits)
			c.sync()
			s := c.state()
			if got := s.Limit(engine.LimitRPM).Max; got != 9000 {
				t.Errorf("a node that joins: %d requests per minute, want what the provider has reported, 9000", got)
			}
			if got, want := [2]int64{s.Limit(engine.LimitRPD).Remote, s.Limit(engine.LimitRPD).Used}, [2]int64{30, 30}; got != want {
				t.Errorf("a node that joins: day requests = %v, want %v", got, want)
			}
			if s.CoolingFor < time.Hour-time.Minute || s.CoolingFor > time.Hour+time.Second { // their clocks are not one
				t.Errorf("a node that joins: cooling for %v, want an hour", s.CoolingFor)
			}
			a.use(0, 1, 1)
			a.sync()
			if s = a.state(); s.CoolingFor == 0 {
				t.Error("the first node does not cool down")
			}
		})
	}
	ttls(t, single)
}

// TestFaultyCounts: under lost, late and repeated replies, with leases that are
// settled and released, the sums of all counts of all windows are exact.
func TestFaultyCounts(t *testing.T) {
	server := servertest.Start(t)
	const much = 1 << 40
	limits := engine.Limits{RPD: much, TPD: much, InputTPM: much, OutputTPM: much}
	now := middle()
	var nodes []*hand
	for i := range 3 {
		way := storetest.NewFaulty(open(t, server.URL(), valkeystore.Config{}), uint64(i), storetest.Plan{
			LoseRequest: 0.2, LoseReply: 0.3, Repeat: 0.2, Late: 0.1,
		})
		n := handOn(t, way, now, limits)
		n.way = way
		nodes = append(nodes, n)
	}
	var want window.Tally
	for round := range 60 {
		n := nodes[round%len(nodes)]
		in, out := int64(10*round+1), int64(round+2)
		if n.use(3, in, out) != 3 {
			t.Fatal("refused")
		}
		want.Requests += 3
		want.Input += 3 * in
		want.Output += 3 * out
		n.lease(in, out).Release()
		l := n.lease(in, out)
		l.Settle(engine.Usage{InputTokens: in + 5, OutputTokens: 1})
		want.Requests++
		want.Input += in + 5
		want.Output++
		_ = n.s.Sync(t.Context()) // may fail
	}
	want.Tokens = want.Input + want.Output
	for range 2 {
		for _, n := range nodes {
			n.way.SetPlan(storetest.Plan{})
			n.sync()
		}
	}
	n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
	at := nodes[0].minute
	day, _ := window.KindDay.Span(at)
	b := n.next()
	b.Reads = []window.Tally{{ID: "dep", Start: at}, {ID: "dep", Kind: window.KindDay, Start: day}}
	all := syncer.CountRequests | syncer.CountTokens | syncer.CountInput | syncer.CountOutput
	b.Counts = []syncer.Counts{all, all}
	r := n.resolve(b)
	minute, whole := want, window.Tally{Requests: want.Requests, Tokens: want.Tokens}
	minute.ID, minute.Start = "dep", at
	whole.ID, whole.Kind, whole.Start = "dep", window.KindDay, day
	if fmt.Sprint(r.Totals) != fmt.Sprint([]window.Tally{minute, whole}) {
		t.Errorf("totals = %+v, want %+v", r.Totals, []window.Tally{minute, whole})
	}
	ttls(t, server)
}

// hand is a gateway whose exchanges are made by hand.
type hand struct {
	t      *testing.T
	e      *engine.Engine
	s      *syncer.Syncer
	g      *engine.Group
	way    *storetest.Faulty
	minute int64
}

// middle returns a clock that begins in the middle of the minute, so that this does
// not end during a test.
func middle() func() time.Time {
	now := time.Now()
	off := now.Truncate(time.Minute).Add(20 * time.Second).Sub(now)
	return func() time.Time { return time.Now().Add(off) }
}

func gatewayOn(t *testing.T, url string, now func() time.Time, limits engine.Limits) *hand {
	t.Helper()
	return handOn(t, open(t, url, valkeystore.Config{}), now, limits)
}

func handOn(t *testing.T, store syncer.Store, now func() time.Time, limits engine.Limits) *hand {
	t.Helper()
	clock := window.NewClockFrom(now)
	e, err := engine.New(engine.Config{Clock: clock, Deployments: []engine.Deployment{{ID: "dep", Group: "chat", Limits: limits}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := syncer.New(e, store, syncer.Config{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	g, err := e.Group("chat")
	if err != nil {
		t.Fatal(err)
	}
	servertest.Until(t, "the node has met the store", func() bool { return s.Sync(t.Context()) == nil })
	return &hand{t: t, e: e, s: s, g: g, minute: window.StartSeconds(window.EpochAt(clock.Read()))}
}

// use takes requests and settles them as demanded.
func (h *hand) use(requests int, input, output int64) (admitted int) {
	h.g.Pick(engine.Demand{}) // asks
	for range requests {
		if l, ok := h.g.TryAcquire(engine.Demand{InputTokens: input, OutputTokens: output}); ok {
			l.SettleReserved()
			admitted++
		}
	}
	return admitted
}

func (h *hand) lease(input, output int64) *engine.Lease {
	h.t.Helper()
	l, err := h.g.Acquire(engine.Demand{InputTokens: input, OutputTokens: output})
	if err != nil {
		h.t.Fatal(err)
	}
	return &l
}

func (h *hand) cooldown(d time.Duration) {
	h.t.Helper()
	if err := h.e.Cooldown("dep", d); err != nil {
		h.t.Fatal(err)
	}
}

// sync exchanges until it has worked.
func (h *hand) sync() {
	h.t.Helper()
	servertest.Until(h.t, "an exchange", func() bool {
		ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Second)
		defer cancel()
		return h.s.Sync(ctx) == nil
	})
}

func (h *hand) state() engine.State { return h.e.AppendStates(nil)[0] }
