package lab

import (
	"slices"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

// parts is into how many parts the minute of a deployment is cut for [Outcome].
const parts = 30

// Sizes are the bounds of classes of calls by their prompts, in tokens: up to each of them,
// and above.
var Sizes = [...]int64{500, 2000, 8000, 32000}

// bySize is a number for each of the classes that [Sizes] bounds.
type bySize [len(Sizes) + 1]int64

// Outcome is the result of a run. Counts are of calls, unless their names say tokens.
type Outcome struct {
	Offered         int64 `json:"offered"`
	Served          int64 `json:"served"`
	RefusedLocal    int64 `json:"refused_local"`    // by the policy, before any attempt
	RefusedProvider int64 `json:"refused_provider"` // after attempts that providers refused
	Failed          int64 `json:"failed"`           // after attempts that failed
	Attempts        int64 `json:"attempts"`
	Provider429     int64 `json:"provider_429"` // attempts that providers refused
	Failures        int64 `json:"failures"`     // attempts that failed
	TokensOffered   int64 `json:"tokens_offered"`
	TokensServed    int64 `json:"tokens_served"`
	Quota           int64 `json:"quota"`   // tokens that the configured limits allow in the time of arrivals
	Overrun         int64 `json:"overrun"` // tokens above the configured limits, by minutes of UTC
	// Jain is Jain's index of tokens served per limit, over the deployments.
	Jain float64 `json:"jain"`
	// UsedByPart and RefusedByPart are tokens charged and attempts refused by the part of
	// the deployment's minute, from its beginning, in parts of two seconds.
	UsedByPart    [parts]int64 `json:"used_by_part"`
	RefusedByPart [parts]int64 `json:"refused_by_part"`
	// Calls by the size of their prompts: all, and those that were not served.
	OfferedBySize bySize `json:"offered_by_size"`
	RefusedBySize bySize `json:"refused_by_size"`
	// Calls by their class; all are of class 0 where there is one only.
	OfferedByClass [2]int64 `json:"offered_by_class"`
	ServedByClass  [2]int64 `json:"served_by_class"`
	CachedTokens   int64    `json:"cached_tokens"` // tokens of prompts of accepted attempts that were cached
	// Waits of calls that were admitted after waiting, in milliseconds.
	WaitP50 int64 `json:"wait_p50_ms"`
	WaitP99 int64 `json:"wait_p99_ms"`
	Waited  int64 `json:"waited"`
	// The same by the size of their prompts; 0 where none waited.
	WaitP50BySize bySize `json:"wait_p50_ms_by_size"`
	WaitP99BySize bySize `json:"wait_p99_ms_by_size"`

	waits [len(bySize{})][]time.Duration // by size
}

// waited enters that a call waited before it was admitted, or was not.
func (o *Outcome) waited(r trace.Request, d time.Duration, admitted bool) {
	if admitted && d > 0 {
		i := sizeOf(r)
		o.waits[i] = append(o.waits[i], d)
	}
}

// sizeOf returns the class of a call by its prompt.
func sizeOf(r trace.Request) int {
	i := 0
	for i < len(Sizes) && r.Input > Sizes[i] {
		i++
	}
	return i
}

// part returns the part of a deployment's minute.
func (f *deployment) part(now int64) int {
	return int((now-int64(f.phase))%minute*parts/minute+parts) % parts
}

// refused enters a refusal by a provider.
func (o *Outcome) refused(d *deployment, now int64) {
	o.Provider429++
	o.RefusedByPart[d.part(now)]++
}

// spent enters tokens that a deployment works on.
func (o *Outcome) spent(d *deployment, now, tokens int64) { o.UsedByPart[d.part(now)] += tokens }

// finish completes the outcome.
func (s *simulation) finish(t *Traffic) *Outcome {
	o := &s.outcome
	var n, sum, squares float64
	for _, d := range s.deployments {
		o.Quota += int64(float64(d.TPM) * t.duration().Minutes())
		o.Overrun += d.meter.overrun
		x := float64(d.tokens) / float64(d.TPM)
		n, sum, squares = n+1, sum+x, squares+x*x
	}
	o.Jain = 1
	if squares > 0 {
		o.Jain = sum * sum / (n * squares)
	}
	var all []time.Duration
	for i, waits := range o.waits {
		o.WaitP50BySize[i], o.WaitP99BySize[i] = quantiles(waits)
		all = append(all, waits...)
	}
	o.Waited = int64(len(all))
	o.WaitP50, o.WaitP99 = quantiles(all)
	return o
}

// quantiles sorts waits and returns their median and their 99 % quantile in milliseconds;
// 0 if there are none.
func quantiles(waits []time.Duration) (p50, p99 int64) {
	if len(waits) == 0 {
		return 0, 0
	}
	slices.Sort(waits)
	return waits[len(waits)/2].Milliseconds(), waits[len(waits)*99/100].Milliseconds()
}

// PerThousand returns how many refusals by providers there were per 1000 calls.
func (o *Outcome) PerThousand() float64 { return 1000 * ratio(o.Provider429, o.Offered) }

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
