package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/page"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/memstore"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// pool is three groups that traffic fills to different heights.
var pool = []engine.Deployment{
	{ID: "azure-eastus", Group: "gpt-4o", Model: "azure/gpt-4o", Limits: engine.Limits{RPM: 600, TPM: 300_000, MaxInFlight: 40}},
	{ID: "openai-main", Group: "gpt-4o", Model: "openai/gpt-4o-2024-11-20", Limits: engine.Limits{RPM: 3000, TPM: 450_000}},
	{ID: "azure-westeurope", Group: "gpt-4o", Model: "azure/gpt-4o", Order: 1, Limits: engine.Limits{RPM: 300, TPM: 90_000}},
	{ID: "bedrock-us-east-1", Group: "claude-sonnet", Model: "anthropic.claude-sonnet-4", Limits: engine.Limits{RPM: 250, TPM: 200_000}},
	{ID: "anthropic-direct <b>&amp;", Group: "claude-sonnet", Model: "claude-sonnet-4", Limits: engine.Limits{RPM: 4000, TPM: 400_000}},
	{ID: "local-gpu", Group: "embeddings", Model: "bge-m3", Limits: engine.Limits{MaxInFlight: 8}},
	{ID: "openai-embeddings", Group: "embeddings", Model: "text-embedding-3-small", Order: 1, Limits: engine.Limits{RPM: 10_000, TPM: 1_000_000, RPD: 100_000}},
}

// site is a page over engines that traffic runs through.
type site struct {
	url     string
	eng     *engine.Engine
	store   *storeSwitch
	trouble atomic.Bool // of files and providers
	many    atomic.Int64
}

// tokens are two with limits of their own and one without; in trouble, one is at its
// limit and another has expired.
func (s *site) tokens() []page.Token {
	n := s.many.Add(3)
	state := func(id string, used, tokens int64) *engine.State {
		return &engine.State{ID: id, Utilization: float64(used) / 600, Limits: []engine.LimitState{
			{Limit: engine.LimitRPM, Used: used, Max: 600, Remote: used / 3}, {Limit: engine.LimitTPM, Used: tokens, Max: 400_000}, {Limit: engine.LimitInFlight, Used: 3, Max: 20},
		}}
	}
	list := []page.Token{
		{Name: "team-search", Admitted: 7 * n, State: state("team-search", 210, 120_500)},
		{Name: "batch.nightly@example", Admitted: 2 * n, State: state("batch", 12, 4000)},
		{Name: "gateway", Admitted: 21 * n, State: &engine.State{}},
	}
	if s.trouble.Load() {
		list[0].State, list[0].Refused, list[0].Failed = state("team-search", 600, 390_000), 4*n, 3
		list[1].Expires = time.Unix(1, 0)
	}
	return list
}

func (s *site) problem() string {
	if !s.trouble.Load() {
		return ""
	}
	return "The files were refused at 12:03 UTC. The previous configuration stays in force. Error: config.yaml:7: deployments[0].rpm: is \"many\"; want a number"
}

func (s *site) groups(each func(string, int64, int64)) {
	n := s.many.Load()
	if s.trouble.Load() {
		each("gpt-4o", 10*n, n/30)
		each("claude-sonnet", 5*n, 5*n)
	}
}

func (s *site) faults(each func(string, int64, int64)) {
	if n := s.many.Load(); s.trouble.Load() {
		each("azure-eastus", n/10, n/30)
	}
}

// start serves the page of the first of two nodes that share a store.
func start(t *testing.T) *site {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	store := &storeSwitch{Store: memstore.New(memstore.Config{})}
	node := func() (*engine.Engine, *syncer.Syncer) {
		eng, err := engine.New(engine.Config{Deployments: pool, TrackHeld: true})
		require.NoError(t, err)
		s, err := syncer.New(eng, store, syncer.Config{Interval: 50 * time.Millisecond})
		require.NoError(t, err)
		require.NoError(t, s.Sync(ctx)) // until then the node admits nothing
		running.Go(func() { _ = s.Run(ctx) })
		return eng, s
	}
	eng, s := node()
	other, _ := node()
	for _, d := range pool[:5] {
		_, _ = other.Pick(d.Group, engine.Demand{})
		require.NoError(t, other.PreCheck(d.ID, engine.Demand{}))
		require.NoError(t, other.Record(d.ID, engine.Usage{InputTokens: d.Limits.TPM / 6}))
	}
	out := &site{eng: eng, store: store}
	p, err := page.New(page.Config{
		Engine: eng, Syncer: s, Note: "The built-in example: deployments that exist nowhere.",
		Tokens: out.tokens, Problem: out.problem, Groups: out.groups, Faults: out.faults,
		Switch: func(*http.Request, string, bool) error { return nil },
	})
	require.NoError(t, err)
	running.Go(func() { _ = p.Run(ctx) })
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		cancel()
		server.CloseClientConnections()
		server.Close()
		running.Wait()
	})
	out.url = server.URL
	return out
}

// storeSwitch is a store that can be switched off.
type storeSwitch struct {
	syncer.Store
	mu  sync.Mutex
	off bool
}

func (s *storeSwitch) set(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = off
}

func (s *storeSwitch) Exchange(ctx context.Context, b syncer.Batch, r *syncer.Reply) error {
	s.mu.Lock()
	off := s.off
	s.mu.Unlock()
	if off {
		return context.DeadlineExceeded
	}
	return s.Store.Exchange(ctx, b, r)
}

// load sends calls through every group until the test ends; every third call
// takes long.
func (s *site) load(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		var long []*engine.Lease
		defer func() {
			for _, l := range long {
				l.SettleReserved()
			}
		}()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for i, name := range []string{"gpt-4o", "claude-sonnet", "embeddings"} {
				g, err := s.eng.Group(name)
				if err != nil {
					return
				}
				l := new(engine.Lease)
				if *l, err = g.Acquire(engine.Demand{InputTokens: 500 + int64(n*37%900), OutputTokens: 300}); err != nil {
					continue
				}
				if n%3 == i {
					long = append(long, l)
				} else {
					l.Settle(engine.Usage{InputTokens: 700, OutputTokens: 250})
				}
			}
			if len(long) > 30 {
				long[0].SettleReserved()
				long = long[1:]
			}
		}
	}()
}

const admitted = `Number(document.querySelector(".sums dd").textContent.replaceAll(",", ""))`

// A person opens the page and watches traffic go by.
func TestLive(t *testing.T) {
	s := start(t)
	tab, complaints := browse(t)
	size(tab, t, 1280, "light")
	do(tab, t, chromedp.Navigate(s.url))
	await(tab, t, `document.getElementById("status").textContent === "live"`)
	require.Equal(t, "plimsoll", eval[string](tab, t, `document.title`))
	require.Equal(t, []string{"gpt-4o", "claude-sonnet", "embeddings", "Refusals", "Tokens"}, eval[[]string](tab, t, `[...document.querySelectorAll("h2")].map(h => h.textContent)`))
	require.Len(t, eval[[]string](tab, t, `[...document.querySelectorAll("details tbody .id")].map(x => x.textContent)`), len(pool))
	require.Contains(t, eval[string](tab, t, `document.body.innerText`), "anthropic-direct <b>&amp;", "names are text")
	await(tab, t, `document.body.innerText.includes("2 nodes, ")`)
	require.Contains(t, eval[string](tab, t, `document.body.innerText`), "None since the start.")

	// What changes, changes in place: the rows stay the elements they were.
	do(tab, t, chromedp.Evaluate[chromedp.Void](`window.first = document.querySelector("tbody tr"); document.getElementById("pause").focus()`))
	s.load(t)
	await(tab, t, admitted+` > 20`)
	await(tab, t, `[...document.querySelectorAll("[role=meter]")].some(m => /reserved/.test(m.getAttribute("aria-valuetext")))`)
	await(tab, t, `document.querySelector(".bar .own").getBoundingClientRect().width > 3`)
	require.True(t, eval[bool](tab, t, `window.first === document.querySelector("tbody tr") && document.activeElement.id === "pause"`))

	pictures(tab, t, "healthy")

	// An operator's actions and refusals show, and what is wrong with files and providers.
	s.trouble.Store(true)
	require.NoError(t, s.eng.Cooldown("openai-main", 90*time.Second))
	off, err := s.eng.Ref("bedrock-us-east-1")
	require.NoError(t, err)
	off.SetEnabled(false)
	require.Error(t, s.eng.PreCheck("bedrock-us-east-1", engine.Demand{}))
	await(tab, t, `/cooling down, \d+ s/.test(document.body.innerText) && [...document.querySelectorAll(".state")].some(x => x.textContent === "switched off")`)
	await(tab, t, `[...document.querySelectorAll(".refusals tr")].some(r => /^switched off\s+1\s+1$/.test(r.innerText))`)
	await(tab, t, `document.querySelectorAll(".chart").length === 7`)
	await(tab, t, `/config.yaml:7/.test(document.querySelector(".problem")?.textContent) && /calls refused by the provider/.test(document.body.innerText)`)
	await(tab, t, `/at its limit/.test(document.querySelector(".tokens .state")?.textContent)`)
	if os.Getenv("PLIMSOLL_PICTURES") != "" {
		await(tab, t, `document.querySelector(".chart polyline").getAttribute("points").split(" ").length > 2`)
	}
	pictures(tab, t, "trouble")
	require.NotEqual(t, "rgb(247, 248, 246)", eval[string](tab, t, `getComputedStyle(document.body).backgroundColor`), "dark is dark")
	require.Empty(t, complaints(), "the console is quiet: the policy on content forbids nothing that is used")
}

// pictures takes the page at all widths, light and dark, at none of which it scrolls
// sideways.
func pictures(tab context.Context, t *testing.T, name string) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 800, 390, 360} {
			size(tab, t, width, scheme)
			picture(tab, t, fmt.Sprintf("%s %s %d", name, scheme, width))
			require.LessOrEqual(t, eval[int64](tab, t, `document.documentElement.scrollWidth`), width, "%s %s scrolls sideways", name, scheme)
		}
	}
}

// A store that goes away is told at once, and so is its return.
func TestStoreAway(t *testing.T) {
	s := start(t)
	tab, _ := browse(t)
	size(tab, t, 1280, "dark")
	do(tab, t, chromedp.Navigate(s.url))
	await(tab, t, `/In step/.test(document.querySelector(".sums").innerText)`)
	s.store.set(true)
	s.load(t)
	await(tab, t, `/Store away/.test(document.querySelector(".sums .bad")?.innerText)`)
	picture(tab, t, "away")
	s.store.set(false)
	await(tab, t, `/In step/.test(document.querySelector(".sums").innerText) && !document.querySelector(".sums .bad")`)
}

// Of 300 deployments in trouble a person sees which groups suffer, finds one, and
// switches it off with a token.
func TestManyInTrouble(t *testing.T) {
	var many []engine.Deployment
	for i := range 300 {
		many = append(many, engine.Deployment{
			ID: fmt.Sprintf("dep-%03d", i), Group: fmt.Sprintf("model-%02d", i/25), Model: "azure/gpt-4o", Limits: engine.Limits{RPM: int64(60 + i), TPM: int64(30_000 + 100*i)},
		})
	}
	begun := time.Now() // at the beginning of a minute, so that all is of one
	clock := window.NewClockFrom(func() time.Time { return begun.Truncate(time.Minute).Add(time.Since(begun)) })
	eng, err := engine.New(engine.Config{Deployments: many, Clock: clock})
	require.NoError(t, err)
	for i := range many {
		require.NoError(t, eng.Record(many[i].ID, engine.Usage{InputTokens: int64(i) * 150}))
	}
	for _, id := range []string{"dep-101", "dep-102"} {
		require.NoError(t, eng.Cooldown(id, time.Hour))
	}
	var refused, denied atomic.Int64
	p, err := page.New(page.Config{
		Engine: eng, Problem: func() string {
			return "The files were refused at 12:03 UTC. The previous configuration stays in force. Error: config.yaml:7: deployments[0].rpm: is \"many\"; want a number"
		},
		Groups: func(each func(string, int64, int64)) {
			each("model-04", 100, refused.Load())
			each("model-05", 100_000, refused.Load())
		},
		Faults: func(each func(string, int64, int64)) { each("dep-103", refused.Load(), 2) },
		Switch: func(_ *http.Request, id string, on bool) error {
			ref, err := eng.Ref(id)
			if err == nil {
				ref.SetEnabled(on)
			}
			return err
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	// Behind a prefix, and for who has a token.
	server := httptest.NewServer(http.StripPrefix("/gateway/plimsoll", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.Header.Get("Authorization") != "Bearer plm_right" {
			denied.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		p.ServeHTTP(w, r)
	})))
	t.Cleanup(func() {
		cancel()
		server.CloseClientConnections()
		server.Close()
		running.Wait()
	})
	tab, _ := browse(t)
	size(tab, t, 1440, "light")
	do(tab, t, chromedp.Navigate(server.URL+"/gateway/plimsoll/"))
	await(tab, t, `document.getElementById("status").textContent === "live"`)
	refused.Store(30)
	await(tab, t, `document.querySelector(".refused.high")?.textContent === "30 refused in the last minute"`)
	await(tab, t, `/1 with provider errors/.test(document.body.innerText)`)
	require.Len(t, eval[[]string](tab, t, `[...document.querySelectorAll("details")].map(d => d.dataset.key)`), 12)
	require.Equal(t, "model-11", eval[string](tab, t, `document.querySelector("h2").textContent`), "the fullest first")
	require.LessOrEqual(t, eval[int64](tab, t, `document.documentElement.scrollHeight`), int64(3*900), "three screens")
	pictures(tab, t, "many")
	size(tab, t, 1440, "light")
	do(tab, t, chromedp.Evaluate[chromedp.Void](`{ const s = document.getElementById("search"); s.value = "dep-10"; s.dispatchEvent(new Event("input")) }`))
	await(tab, t, `document.querySelectorAll("tbody .id").length === 10`)
	await(tab, t, `/30 calls refused by the provider in the last minute/.test(document.body.innerText)`)
	picture(tab, t, "many found")
	do(tab, t, chromedp.Evaluate[chromedp.Void](`window.prompt = () => "plm_right"; document.querySelector(".switch").click()`))
	await(tab, t, `[...document.querySelectorAll("details .state")].some(x => x.textContent === "switched off")`)
	require.EqualValues(t, 1, denied.Load(), "asked without a token first")
	require.Empty(t, eval[string](tab, t, `document.cookie`))
	do(tab, t, chromedp.Evaluate[chromedp.Void](`{ const b = document.getElementById("search"); b.value = ""; b.dispatchEvent(new Event("input")) }`))
	await(tab, t, `document.querySelectorAll("details").length === 12 && !document.querySelector("tbody .id")`)
	do(tab, t, chromedp.Evaluate[chromedp.Void](`document.querySelector("summary").click()`))
	await(tab, t, `document.querySelectorAll("tbody .id").length === 25`)
}

// The keyboard reaches the button, which stops and starts what moves.
func TestPause(t *testing.T) {
	s := start(t)
	s.load(t)
	tab, _ := browse(t)
	do(tab, t, chromedp.Navigate(s.url))
	await(tab, t, `document.getElementById("status").textContent === "live"`)
	do(tab, t, chromedp.KeyEvent("\t"))
	require.Equal(t, "pause", eval[string](tab, t, `document.activeElement.id`))
	require.NotEqual(t, "none", eval[string](tab, t, `getComputedStyle(document.activeElement).outlineStyle`), "focus is seen")
	do(tab, t, chromedp.KeyEvent(" "))
	await(tab, t, `document.getElementById("status").textContent === "paused"`)
	do(tab, t, chromedp.Evaluate[chromedp.Void](`window.before = document.getElementById("live").innerHTML; setTimeout(() => window.later = true, 2500)`))
	await(tab, t, `window.later`)
	require.True(t, eval[bool](tab, t, `window.before === document.getElementById("live").innerHTML`))
	do(tab, t, chromedp.KeyEvent(" "))
	await(tab, t, `document.getElementById("status").textContent === "live"`)
	await(tab, t, `window.before !== document.getElementById("live").innerHTML`)
}

// Without script the page reloads itself.
func TestWithoutScript(t *testing.T) {
	s := start(t)
	tab, _ := browse(t)
	call(tab, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	do(tab, t, chromedp.Navigate(s.url))
	text, err := chromedp.Run(tab, chromedp.Text("body"))
	require.NoError(t, err)
	require.Contains(t, text, "reloads every 5 s")
	require.Contains(t, text, "azure-eastus")
	require.NotContains(t, text, "Pause")
	s.load(t)
	for text = "0"; text == "0" || err != nil; { // a reload in the middle of it is an error
		require.NoError(t, tab.Err(), "the page stays as it was")
		text, err = chromedp.Run(tab, chromedp.Text(".sums dd"))
	}
}

// The tree that screen readers read names each bar and says its figures.
func TestNames(t *testing.T) {
	s := start(t)
	tab, _ := browse(t)
	do(tab, t, chromedp.Navigate(s.url))
	await(tab, t, `document.getElementById("status").textContent === "live"`)
	require.Regexp(t, `^\d+ of 600 requests, \d+ %`, eval[string](tab, t, `document.querySelector("[role=meter]").getAttribute("aria-valuetext")`))
	require.True(t, eval[bool](tab, t, `[...document.querySelectorAll("[role=meter],[role=img]")].every(m => m.getAttribute("aria-label"))`))
	require.True(t, eval[bool](tab, t, `[...document.querySelectorAll("table")].every(x => x.caption.textContent.trim()) && document.documentElement.lang === "en"`))
}
