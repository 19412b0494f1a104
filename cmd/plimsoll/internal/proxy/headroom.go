package proxy

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// headroomAge is the largest age of the headroom that answers report. Reading all
// deployments for each answer would cost more than the call.
const headroomAge = 100 * time.Millisecond

// headroom reports to clients how much is left of their group's limits, in the headers in
// which providers report the same of a key.
type headroom struct {
	engine *engine.Engine
	at     atomic.Int64 // Unix ns of the last look
	groups atomic.Pointer[map[string]*room]
	bent   atomic.Pointer[map[string]bool] // deployments whose minutes are not UTC minutes

	mu     sync.Mutex
	states []engine.State
}

// room is the headers of a group's headroom.
type room struct{ openAI, anthropic http.Header }

func (h *headroom) configure(cfg engine.Config) {
	bent := map[string]bool{}
	for i := range cfg.Deployments {
		if p := &cfg.Deployments[i].Profile; p.Shape != provider.Minute || p.Phase != 0 || p.LearnPhase {
			bent[cfg.Deployments[i].ID] = true
		}
	}
	h.bent.Store(&bent)
	h.at.Store(0)
}

// set adds the headers of its group's headroom to an answer.
func (h *headroom) set(to http.Header, s shape, answer http.Header) {
	group := answer[transport.HeaderGroup]
	if len(group) == 0 {
		return
	}
	if now, at := time.Now().UnixNano(), h.at.Load(); now-at > int64(headroomAge) && h.at.CompareAndSwap(at, now) {
		h.look()
	}
	groups := h.groups.Load()
	if groups == nil { // another request is computing the first values
		return
	}
	r := (*groups)[group[0]]
	if r == nil {
		return
	}
	from := r.openAI
	if s == anthropic {
		from = r.anthropic
	}
	maps.Copy(to, from)
}

// sum is a group's limit of one kind, and how much is left of it.
type sum struct {
	limit, left int64
	unlimited   bool
}

func (s *sum) add(kind engine.Limit, st *engine.State, bent bool) {
	l := st.Limit(kind)
	switch limit := l.Max; limit {
	case 0:
		s.unlimited = true
	case engine.Blocked:
	default:
		s.limit += limit
		left := limit - l.Used
		if bent { // its usage of this UTC minute is not the level of its limit
			left = min(left, int64(float64(limit)*(1-st.Utilization)))
		}
		if st.Enabled && st.CoolingFor == 0 {
			s.left += max(left, 0)
		}
	}
}

// look computes the headroom of every group.
func (h *headroom) look() {
	h.mu.Lock()
	defer h.mu.Unlock()
	bent := *h.bent.Load()
	h.states = h.engine.AppendStates(h.states[:0])
	groups := map[string]*room{}
	for i := 0; i < len(h.states); {
		group := h.states[i].Group
		var requests, tokens, input, output sum
		for ; i < len(h.states) && h.states[i].Group == group; i++ {
			st := &h.states[i]
			b := bent[st.ID]
			requests.add(engine.LimitRPM, st, b)
			tokens.add(engine.LimitTPM, st, b)
			input.add(engine.LimitInputTPM, st, false)
			output.add(engine.LimitOutputTPM, st, false)
		}
		r := &room{http.Header{}, http.Header{}}
		for _, f := range []struct {
			sum
			openAI, anthropic string
		}{{requests, "Requests", "Requests"}, {tokens, "Tokens", "Tokens"}, {input, "", "Input-Tokens"}, {output, "", "Output-Tokens"}} {
			if f.unlimited {
				continue
			}
			limit, left := []string{strconv.FormatInt(f.limit, 10)}, []string{strconv.FormatInt(f.left, 10)}
			if f.openAI != "" {
				r.openAI["X-Ratelimit-Limit-"+f.openAI], r.openAI["X-Ratelimit-Remaining-"+f.openAI] = limit, left
			}
			r.anthropic["Anthropic-Ratelimit-"+f.anthropic+"-Limit"], r.anthropic["Anthropic-Ratelimit-"+f.anthropic+"-Remaining"] = limit, left
		}
		groups[escaped(group)] = r
	}
	h.groups.Store(&groups)
}

// escaped writes a name as package transport does in headers.
func escaped(name string) string {
	q := strconv.QuoteToASCII(name)
	return q[1 : len(q)-1]
}
