package replay

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// SyncReport is the figures of the nodes' exchanges with the server.
type SyncReport struct {
	Exchanges int64 `json:"exchanges"` // that the server answered
	Failures  int64 `json:"failures"`  // attempts that failed
	// StalenessMS is the longest time from the beginning of one exchange of a
	// node to the end of its next, or of the run: staleness and round trip
	// together.
	StalenessMS float64 `json:"staleness_ms"`
	RoundTripMS float64 `json:"round_trip_ms"` // of the longest exchange
	AwayS       float64 `json:"away_s"`        // longest time that a node went on by policy, in seconds
	LastError   string  `json:"last_error,omitempty"`
}

// add takes in another node's.
func (r *SyncReport) add(o SyncReport) {
	r.Exchanges += o.Exchanges
	r.Failures += o.Failures
	r.StalenessMS = max(r.StalenessMS, o.StalenessMS)
	r.RoundTripMS = max(r.RoundTripMS, o.RoundTripMS)
	r.AwayS = max(r.AwayS, o.AwayS)
	if o.LastError != "" {
		r.LastError = o.LastError
	}
}

// watch looks at the exchanges of one node.
type watch struct {
	first chan struct{} // closed when one has been answered

	mu                 sync.Mutex
	answered, failed   int64
	began              map[int]time.Time // by bucket, the latest that was answered
	staleness, longest time.Duration
	err                error // the latest
}

func newWatch() *watch { return &watch{first: make(chan struct{}), began: map[int]time.Time{}} }

func (w *watch) exchanged(bucket int, begin, end time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.failed++
		w.err = err
		return
	}
	if w.answered++; w.answered == 1 {
		close(w.first)
	}
	if last, ok := w.began[bucket]; ok {
		w.staleness = max(w.staleness, end.Sub(last))
	}
	w.began[bucket] = begin
	w.longest = max(w.longest, end.Sub(begin))
}

func (w *watch) lastError() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		return "no reply within " + patience.String()
	}
	return w.err.Error()
}

// report is of a run that lasted that long. The time since a node's
// last reply counts as staleness too.
func (w *watch) report(begun, ended time.Time) SyncReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	staleness := w.staleness
	if w.answered == 0 {
		staleness = ended.Sub(begun)
	}
	for _, last := range w.began {
		staleness = max(staleness, ended.Sub(last))
	}
	r := SyncReport{Exchanges: w.answered, Failures: w.failed, StalenessMS: milliseconds(staleness), RoundTripMS: milliseconds(w.longest)}
	if w.err != nil {
		r.LastError = w.err.Error()
	}
	return r
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// newsHandler passes on what many nodes log: each message once, and not again for a
// while.
type newsHandler struct {
	warn func(string)
	*news
}

type news struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const newsEvery = 10 * time.Second

// Enabled implements [slog.Handler].
func (h *newsHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle implements [slog.Handler].
func (h *newsHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	last, ok := h.last[r.Message]
	if ok && r.Time.Sub(last) < newsEvery {
		h.mu.Unlock()
		return nil
	}
	h.last[r.Message] = r.Time
	h.mu.Unlock()
	message := r.Message
	r.Attrs(func(a slog.Attr) bool {
		message += " " + a.String()
		return true
	})
	h.warn(message)
	return nil
}

// WithAttrs implements [slog.Handler]; no caller of this package adds any.
func (h *newsHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements [slog.Handler]; likewise.
func (h *newsHandler) WithGroup(string) slog.Handler { return h }
