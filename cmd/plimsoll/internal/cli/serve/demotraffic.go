package serve

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	demoWave  = 4 * time.Minute // time between two peaks of the demo's load
	demoCalls = 64              // largest number of calls in flight
)

// demoLoad is the demo's mean load, in calls per second of each group. Its peak is above
// the accounts' limits.
var demoLoad = []struct {
	path, model string
	rate        float64
}{
	{"/openai/v1/chat/completions", "gpt-4o", 2.5},
	{"/openai/v1/chat/completions", "llama", 0.4},
	{"/anthropic/v1/messages", "claude-sonnet", 1.2},
}

// runDemoTraffic calls a handler until ctx ends, so that the page shows traffic. The calls
// come from inside the process, and need no token and no connection.
func runDemoTraffic(ctx context.Context, h http.Handler) {
	var total float64
	for _, l := range demoLoad {
		total += l.rate
	}
	begin, slots := time.Now(), make(chan struct{}, demoCalls)
	for {
		wave := 0.9 - 0.6*math.Cos(2*math.Pi*float64(time.Since(begin))/float64(demoWave)) // 0.3 to 1.5
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(rand.ExpFloat64() / (total * wave) * float64(time.Second))):
		}
		at, i := rand.Float64()*total, 0
		for ; i < len(demoLoad)-1 && at > demoLoad[i].rate; i++ {
			at -= demoLoad[i].rate
		}
		select {
		case slots <- struct{}{}:
		default:
			continue
		}
		go func() {
			defer func() { <-slots }()
			demoCall(ctx, h, demoLoad[i].path, demoLoad[i].model)
		}()
	}
}

// demoCall makes one call, and drops the answer.
func demoCall(ctx context.Context, h http.Handler, path, model string) {
	defer func() {
		if r := recover(); r != nil && r != http.ErrAbortHandler { //nolint:errorlint // it is that value
			panic(r)
		}
	}()
	body := fmt.Sprintf(`{"model":%q,"max_tokens":%d,"stream":%t,"messages":[{"role":"user","content":%q}]}`,
		model, 50+rand.IntN(400), rand.IntN(2) == 0, strings.Repeat("How are ships kept from sinking? ", 1+rand.IntN(60)))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "127.0.0.1:1"
	h.ServeHTTP(&discard{header: http.Header{}}, r)
}

// discard is a response writer that drops the answer.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Flush()                      {}
