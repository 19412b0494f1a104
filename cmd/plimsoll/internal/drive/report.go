package drive

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the result of a run. Offered is the sum of Served, Refused, Failed and
// NotSent.
type Report struct {
	Seconds     float64            `json:"seconds"`
	Interrupted bool               `json:"interrupted"`
	Offered     int64              `json:"offered"`
	Served      int64              `json:"served"`
	Refused     int64              `json:"refused"`
	Failed      int64              `json:"failed"`   // no answer, or an answer without a decision
	NotSent     int64              `json:"not_sent"` // more than maxInFlight calls were in flight
	Tokens      int64              `json:"tokens"`   // of the calls served
	RefusedBy   map[string]int64   `json:"refused_by"`
	AcquireP50  float64            `json:"acquire_p50_ms"`
	AcquireP99  float64            `json:"acquire_p99_ms"`
	LastFailure string             `json:"last_failure,omitempty"`
	Deployments []DeploymentReport `json:"deployments"`
}

// DeploymentReport is the share of one deployment.
type DeploymentReport struct {
	ID     string `json:"id"`
	Served int64  `json:"served"`
	Tokens int64  `json:"tokens"`
}

// maxWaits bounds the sample of waiting times.
const maxWaits = 100_000

// acquired counts an answer to acquire, or the lack of one.
func (p *player) acquired(took time.Duration, no *refusal, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.report
	r.Offered++
	switch {
	case err != nil:
		r.Failed++
		r.LastFailure = err.Error()
		return
	case no != nil && (no.Limit != "" || no.Status == 429):
		r.Refused++
		if r.RefusedBy == nil {
			r.RefusedBy = map[string]int64{}
		}
		r.RefusedBy[cmp.Or(no.Limit, no.Type)]++
	case no != nil:
		r.Failed++
		r.LastFailure = fmt.Sprintf("the daemon answered %d: %s", no.Status, no.Message)
	}
	if p.seen++; len(p.waits) < maxWaits {
		p.waits = append(p.waits, took)
	} else if i := p.rng.Int64N(p.seen); i < maxWaits { // a uniform sample
		p.waits[i] = took
	}
}

// settled counts a call that ended.
func (p *player) settled(deployment string, tokens int64, no *refusal, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.report
	switch {
	case err != nil:
		r.Failed++
		r.LastFailure = err.Error()
		return
	case no != nil:
		r.Failed++
		r.LastFailure = fmt.Sprintf("the daemon answered %d: %s", no.Status, no.Message)
		return
	}
	r.Served++
	r.Tokens += tokens
	d := p.tally[deployment]
	if d == nil {
		d = &DeploymentReport{ID: deployment}
		p.tally[deployment] = d
	}
	d.Served++
	d.Tokens += tokens
}

// finish returns the report. No call is in flight any more.
func (p *player) finish(took time.Duration, interrupted bool) *Report {
	r := &p.report
	r.Seconds, r.Interrupted = took.Seconds(), interrupted
	slices.Sort(p.waits)
	if n := len(p.waits); n > 0 {
		r.AcquireP50, r.AcquireP99 = ms(p.waits[n/2]), ms(p.waits[n*99/100])
	}
	for _, d := range p.tally {
		r.Deployments = append(r.Deployments, *d)
	}
	slices.SortFunc(r.Deployments, func(a, b DeploymentReport) int { return cmp.Compare(a.ID, b.ID) })
	return r
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(t, "deployment\tserved\ttokens\t\n")
	for _, d := range r.Deployments {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t\n", d.ID, d.Served, d.Tokens)
	}
	_ = t.Flush() // to memory
	share := func(n int64) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(r.Offered, 1))) }
	fmt.Fprintf(&b, "\noffered   %8d  in %.1f s\nserved    %8d  %s, %d tokens\nrefused   %8d  %s", r.Offered, r.Seconds, r.Served, share(r.Served), r.Tokens, r.Refused, share(r.Refused))
	var by []string
	for limit, n := range r.RefusedBy {
		by = append(by, fmt.Sprintf("%s %d", limit, n))
	}
	if slices.Sort(by); len(by) > 0 {
		b.WriteString(" (" + strings.Join(by, ", ") + ")")
	}
	fmt.Fprintf(&b, "\nfailed    %8d\n", r.Failed)
	if r.NotSent > 0 {
		fmt.Fprintf(&b, "not sent  %8d  while %d calls were in flight\n", r.NotSent, maxInFlight)
	}
	if r.LastFailure != "" {
		fmt.Fprintf(&b, "last failure: %s\n", r.LastFailure)
	}
	fmt.Fprintf(&b, "acquire took %.2f ms (median), %.2f ms (99 %%)\n", r.AcquireP50, r.AcquireP99)
	_, err := io.WriteString(w, b.String())
	return err
}
