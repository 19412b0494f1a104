package sdktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
	"github.com/plimsoll-dev/plimsoll/engine/transport/internal/fake"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
	"github.com/plimsoll-dev/plimsoll/window"
)

const (
	windows = 6    // minutes that pass, the parts before and after them left out
	atOnce  = 500  // calls under way, at least, once it has begun
	load    = 0.95 // of the quota
)

// quota is the tokens per minute of the five deployments, by the provider's rule,
// which the engine counts by too: buckets, minutes of the clock, and minutes with a
// phase and requests by ten seconds.
var quota = []struct {
	id, style string
	api       transport.API
	tpm       float64
	phase     time.Duration
}{
	{"openai-1", "openai", transport.OpenAI, 100_000, 0},
	{"openai-2", "openai", transport.OpenAI, 60_000, 0},
	{"azure-1", "azure", transport.Azure, 90_000, 0},
	{"azure-2", "azure", transport.Azure, 120_000, 17 * time.Second},
	{"mistral", "mistral", transport.OpenAI, 80_000, 0},
}

// rpmPerTPM is Azure's ratio: 6 requests for each 1000 tokens.
const rpmPerTPM = 6.0 / 1000

// outputs are the lengths of answers, in turn; longestPrompt is in bytes.
var outputs = []int64{80, 240, 480, 160, 640, 320, 40, 560}

const longestPrompt = 1400

// tally is what the callers saw.
type tally struct {
	served, refused, failed      atomic.Int64
	input, output                atomic.Int64 // of answers whose usage they could see
	now, peak                    atomic.Int64
	firstFailure                 atomic.Pointer[string]
	settled, attempts, unsettled atomic.Int64 // what the hook was told
	counted                      atomic.Int64 // what that is by the deployments' rules
}

// 500 calls at once of openai-go, unchanged but for base URL and HTTP client, half
// of them streams, keep five deployments at 95 % of their quota. All of it lives in
// virtual time: no load of the machine changes what is refused.
func TestLoad(t *testing.T) { synctest.Test(t, testLoad) }

func testLoad(t *testing.T) {
	clock := window.NewClockFrom(time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = clock.Run(ctx) }() // until ctx ends

	var seen tally
	rt, eng, providers := fleet(t, clock, &seen)
	client := openai.NewClient(
		option.WithBaseURL("http://plimsoll.invalid/v1/"), option.WithAPIKey("unused"),
		option.WithHTTPClient(&http.Client{Transport: spread{rt}}),
	)

	total, perMinute := 0.0, 0.0
	for _, q := range quota {
		total += q.tpm
		perMinute += q.tpm / meanCost(t, q.style)
	}
	// A call begins every so often, on schedule, until the time is over.
	every := time.Duration(float64(time.Minute) / (perMinute * load))
	calls := int64((windows*time.Minute + 20*time.Second) / every)
	var next atomic.Int64
	start := time.Now()
	var wg sync.WaitGroup
	for range 2 * atOnce { // more than are busy, so that calls begin on time
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= calls || !until(ctx, start.Add(time.Duration(i)*every)) {
					return
				}
				seen.peak.Store(max(seen.peak.Load(), seen.now.Add(1)))
				call(ctx, &client, int(i), &seen)
				seen.now.Add(-1)
			}
		})
	}
	wg.Wait()
	took := time.Since(start)

	var served, refused, input, output, charged int64
	for i, p := range providers {
		t.Logf("%s: %d served, %d refused, %.1f %% of its quota", quota[i].id, p.Served.Load(), p.Refused.Load(),
			100*float64(p.Charged.Load())/(quota[i].tpm*(time.Duration(calls)*every).Minutes()))
		charged += p.Charged.Load()
		served += p.Served.Load()
		refused += p.Refused.Load()
		input += p.Input.Load()
		output += p.Output.Load()
	}
	s := eng.Stats()
	offered := float64(charged) / (total * (time.Duration(calls) * every).Minutes())
	t.Logf("%d calls in %v (%.1f windows), peak %d at once: %d served, %d refused to the client, %d failed",
		calls, took.Round(time.Millisecond), took.Minutes(), seen.peak.Load(), seen.served.Load(), seen.refused.Load(), seen.failed.Load())
	t.Logf("providers: %d served, %d refused (%.2f per 1000 calls), %.1f %% of quota asked for; engine: %+v",
		served, refused, 1000*float64(refused)/float64(calls), 100*offered, s)

	if f := seen.firstFailure.Load(); f != nil {
		t.Errorf("first failure: %s", *f)
	}
	require.GreaterOrEqual(t, took, windows*time.Minute)
	require.InDelta(t, load, offered, 0.02, "share of the quota")
	require.GreaterOrEqual(t, seen.peak.Load(), int64(atOnce), "calls at once")
	require.Equal(t, calls, seen.served.Load()+seen.refused.Load(), "every call is accounted for")
	require.GreaterOrEqual(t, float64(seen.served.Load()), 0.97*float64(calls))
	require.LessOrEqual(t, 1000*float64(refused)/float64(calls), 5.0, "provider 429s per 1000 calls")

	require.Equal(t, served, seen.served.Load())
	require.Equal(t, served+refused, seen.attempts.Load())
	require.Zero(t, seen.unsettled.Load(), "attempts that ended without a usage")
	require.Equal(t, served+refused, s.Settled)
	require.Equal(t, s.Admitted, s.Settled)
	require.Zero(t, s.Held)
	require.Equal(t, input+output, seen.settled.Load(), "usage as the engine was told it and as the providers reported it")
	require.Equal(t, seen.counted.Load(), s.Tokens, "usage in the engine, where the estimate stands for some")
	require.InEpsilon(t, charged, s.Tokens, 0.01, "usage in the engine and as the providers count it")
	require.Equal(t, input, seen.input.Load(), "usage as the callers saw it")
	require.Equal(t, output, seen.output.Load())
}

// fleet starts the providers and puts a transport before them.
func fleet(t *testing.T, clock *window.Clock, seen *tally) (*transport.Transport, *engine.Engine, []*fake.Provider) {
	t.Helper()
	cfg := engine.Config{Clock: clock}
	endpoints := map[string]transport.Endpoint{}
	stands := map[string]bool{} // the estimate is what counts
	var net network
	var providers []*fake.Provider
	for _, q := range quota {
		preset, _ := provider.Preset(q.style, "")
		stands[q.id] = preset.EstimateStands
		rpm := q.tpm * rpmPerTPM
		p := &fake.Provider{
			Limits: &rule.Limits{RPM: int64(rpm), TPM: int64(q.tpm)}, Phase: q.phase, Style: q.style, Key: "key-" + q.id,
			// A second to begin, and some 7 tokens a second.
			Delay: func(out int64) time.Duration { return time.Second + time.Duration(out)*150*time.Millisecond },
		}
		host := q.id + ".invalid"
		net.serve(t, host+":80", p)
		providers = append(providers, p)
		d := engine.Deployment{ID: q.id, Group: group, Limits: engine.Limits{RPM: int64(rpm), TPM: int64(q.tpm)}}
		if q.phase != 0 { // as its operator knows it
			d.Profile, _ = provider.Preset(q.style, "")
			d.Profile.Phase, d.Profile.LearnPhase = q.phase, false
		}
		cfg.Deployments = append(cfg.Deployments, d)
		ep := transport.Endpoint{API: q.api, BaseURL: "http://" + host + "/v1", Model: "m-" + q.id, Credential: transport.Key(p.Key)}
		switch q.style {
		case "azure":
			ep.BaseURL, ep.APIVersion = "http://"+host, "2024-10-21"
		case "mistral":
			ep.Provider = "mistral"
		}
		endpoints[q.id] = ep
	}
	eng, err := engine.New(transport.Profiles(cfg, endpoints))
	require.NoError(t, err)
	rt, err := transport.New(transport.Config{
		Engine: eng, Endpoints: endpoints, Base: net.transport(t),
		// These providers count the bytes of a body, of which the model's name differs.
		Adjust: func(r *http.Request, a *transport.Admission) error {
			a.Demand.InputTokens = (r.ContentLength + 8) / 4
			return nil
		},
		Done: func(a transport.Attempt) {
			seen.attempts.Add(1)
			used := a.Usage.InputTokens + a.Usage.OutputTokens
			seen.settled.Add(used)
			if a.Status == http.StatusOK && stands[a.Deployment] {
				used = a.Reserved
			}
			seen.counted.Add(used)
			if a.Ending != transport.Settled {
				seen.unsettled.Add(1)
			}
		},
	})
	require.NoError(t, err)
	return rt, eng, providers
}

// prompt is the text of call i.
func prompt(i int) string {
	n := 50 + i*97%longestPrompt
	return fmt.Sprintf("out=%d %s", outputs[i%len(outputs)], strings.Repeat("All aboard. ", n/12+1)[:n])
}

// meanCost is what a provider of that style counts for a call in the end, 4 bytes of
// its body a token for the input, but for a few bytes of the deployments' own names.
func meanCost(t *testing.T, style string) float64 {
	t.Helper()
	const n = longestPrompt * 8
	sum := 0.0
	for i := range n {
		body, err := json.Marshal(params(i))
		require.NoError(t, err)
		bytes := len(body) + i%2*len(`,"stream":true`)
		out := outputs[i%len(outputs)]
		if style != "openai" { // the estimate stands
			out = mostOf(out)
		}
		sum += float64(int64(bytes)/4 + out)
	}
	return sum / n
}

// mostOf is the most output that a caller allows who expects so much.
func mostOf(out int64) int64 { return out + out/8 }

// params is what call i asks for. Every other one streams, and shows its usage.
func params(i int) openai.ChatCompletionNewParams {
	p := chatParams(prompt(i))
	p.MaxTokens = openai.Int(mostOf(outputs[i%len(outputs)]))
	if i%2 == 1 {
		p.StreamOptions.IncludeUsage = openai.Bool(true)
	}
	return p
}

// call makes call i.
func call(ctx context.Context, client *openai.Client, i int, seen *tally) {
	var usage openai.CompletionUsage
	var err error
	if i%2 == 0 {
		var resp *openai.ChatCompletion
		if resp, err = client.Chat.Completions.New(ctx, params(i)); err == nil {
			usage = resp.Usage
		}
	} else {
		stream := client.Chat.Completions.NewStreaming(ctx, params(i))
		for stream.Next() {
			if u := stream.Current().Usage; u.TotalTokens > 0 {
				usage = u
			}
		}
		err = errors.Join(stream.Err(), stream.Close())
	}
	var limited *openai.Error
	switch {
	case err == nil && usage.TotalTokens > 0:
		seen.served.Add(1)
		seen.input.Add(usage.PromptTokens)
		seen.output.Add(usage.CompletionTokens)
	case errors.As(err, &limited) && limited.StatusCode == http.StatusTooManyRequests:
		seen.refused.Add(1)
	default:
		seen.failed.Add(1)
		text := fmt.Sprintf("call %d: %v, usage %+v", i, err, usage.TotalTokens)
		seen.firstFailure.CompareAndSwap(nil, &text)
	}
}

// until waits for an instant; false if ctx has ended.
func until(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// spread has those who wait for one minute come back over half a second of it, not
// in the same millisecond.
type spread struct{ next http.RoundTripper }

func (s spread) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	for name, unit := range map[string]float64{"Retry-After": 1000, "Retry-After-Ms": 1} {
		if v, err := strconv.ParseFloat(resp.Header.Get(name), 64); err == nil {
			resp.Header.Set("Retry-After-Ms", strconv.FormatFloat(v*unit+500*rand.Float64(), 'f', 1, 64))
			resp.Header.Del("Retry-After")
		}
	}
	return resp, nil
}
