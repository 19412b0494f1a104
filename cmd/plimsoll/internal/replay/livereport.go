package replay

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// LiveReport is the result of a replay in real time. Its JSON is what plimsoll
// replay --sync URL --json prints.
type LiveReport struct {
	Seconds     float64      `json:"seconds"`     // how long it was played
	Interrupted bool         `json:"interrupted"` // before it was over
	Policies    []LivePolicy `json:"policies"`
}

// LivePolicy is one policy's part of a [LiveReport]. Offered = Served + Refused
// + UnderWay.
type LivePolicy struct {
	Policy   string `json:"policy"`
	Offered  int64  `json:"offered"`   // calls that arrived
	Served   int64  `json:"served"`    // calls that ended
	Refused  int64  `json:"refused"`   // calls that found no room
	UnderWay int64  `json:"under_way"` // calls that had yet to end
	// Holds reports that no limit was passed by more than its bound.
	Holds   bool           `json:"holds"`
	Cluster *ClusterReport `json:"cluster"` // with bounds by the staleness that was measured
	Sync    SyncReport     `json:"sync"`
	// LagMS is the longest time by which a request or the end of a call came
	// later than it was due.
	LagMS float64 `json:"lag_ms"`
}

// report closes the accounts, once the nodes have ended.
func (f *fleet) report(begun, ended time.Time) LivePolicy {
	p := LivePolicy{
		Policy: f.simulation.report.Policy, Offered: f.simulation.report.Offered, Refused: f.simulation.report.RefusedLocal,
		UnderWay: f.open, Holds: true, LagMS: milliseconds(f.lag),
	}
	for i := range f.deployments {
		p.Served += f.deployments[i].served
	}
	for _, n := range f.peers {
		p.Sync.add(n.sync(begun, ended))
	}
	span := max(f.cluster.size.staleness(), time.Duration(p.Sync.StalenessMS*float64(time.Millisecond)))
	for _, d := range f.cluster.audit.deployments {
		d.requests.within(span)
		d.tokens.within(span)
	}
	p.Cluster = f.cluster.report(f.deployments)
	for _, l := range p.Cluster.Limits {
		p.Holds = p.Holds && l.holds()
	}
	return p
}

// SumLive returns the result of several groups that were played side by side: their
// limits one after the other, their calls and exchanges added up.
func SumLive(reports []*LiveReport) *LiveReport {
	sum := &LiveReport{}
	for n, r := range reports {
		sum.Seconds, sum.Interrupted = max(sum.Seconds, r.Seconds), sum.Interrupted || r.Interrupted
		for i, p := range r.Policies {
			if n == 0 {
				p.Cluster = new(*p.Cluster)
				p.Cluster.Limits = slices.Clone(p.Cluster.Limits)
				sum.Policies = append(sum.Policies, p)
				continue
			}
			all := &sum.Policies[i]
			all.Offered, all.Served, all.Refused, all.UnderWay = all.Offered+p.Offered, all.Served+p.Served, all.Refused+p.Refused, all.UnderWay+p.UnderWay
			all.Holds, all.LagMS = all.Holds && p.Holds, max(all.LagMS, p.LagMS)
			all.Sync.add(p.Sync)
			all.Cluster.Offered += p.Cluster.Offered
			all.Cluster.RefusedWithRoom += p.Cluster.RefusedWithRoom
			all.Cluster.Limits = append(all.Cluster.Limits, p.Cluster.Limits...)
		}
	}
	return sum
}

// holds reports whether the nodes stayed within the bound.
func (l LimitReport) holds() bool { return l.OverMax <= l.Bound }

const liveLegend = `over       used by all nodes together above the limit, right after an admission:
           mean of all UTC minutes that the run touched, and the highest
bound      (nodes - 1) x the most one node used while the others could not know
           of it (staleness and round trip, the longest measured), and one request
           per node
within     whether the highest stayed within the bound
`

// WriteTable writes the report for people: a line for each limit, with all
// policies side by side, then a few for each policy.
func (r *LiveReport) WriteTable(w io.Writer) error {
	top, head, sides := []string{"", "", ""}, []string{"deployment", "limit", ""}, "lrl"
	for _, p := range r.Policies {
		top = append(top, p.Policy, "", "", "")
		head = append(head, "over", "highest", "bound", "within")
		sides += "rrrl"
	}
	rows := [][]string{top, head}
	if len(r.Policies) > 0 {
		for i, l := range r.Policies[0].Cluster.Limits {
			row := []string{l.Deployment, limitText(l.Limit), l.Kind}
			for _, p := range r.Policies {
				l := p.Cluster.Limits[i]
				row = append(row, hundredths(l.OverMean), hundredths(l.OverMax), hundredths(l.Bound), yesNo(l.holds()))
			}
			rows = append(rows, row)
		}
	}
	ran := fmt.Sprintf("Ran for %.0f s", r.Seconds)
	if r.Interrupted {
		ran += ", then it was interrupted"
	}
	var text strings.Builder
	text.WriteString(ran + ".\n\n" + align(rows, sides) + "\n")
	if _, brief := w.(Brief); !brief {
		text.WriteString(liveLegend)
	}
	for _, p := range r.Policies {
		text.WriteString("\n" + align(p.rows(), "lrl"))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (p LivePolicy) rows() [][]string {
	n, s := p.Cluster, p.Sync
	rows := [][]string{
		{p.Policy, "", ""},
		{"requests offered", grouped(p.Offered), fmt.Sprintf("to %d nodes", n.Nodes)},
		{"served", grouped(p.Served), percent(p.Served, p.Offered)},
		{"refused", grouped(p.Refused), perThousand(p.Refused, p.Offered)},
		{"refused with room", grouped(n.RefusedWithRoom), "while 2 % of the limits were free: " + perThousand(n.RefusedWithRoom, p.Offered)},
		{"under way at the end", grouped(p.UnderWay), ""},
		{"exchanges", grouped(s.Exchanges), fmt.Sprintf("and %s attempts that failed", grouped(s.Failures))},
		{"longest exchange", fmt.Sprintf("%.1f", s.RoundTripMS), "ms"},
		{"staleness, round trip", fmt.Sprintf("%.1f", s.StalenessMS), "ms at most, from one exchange's beginning to the next one's end"},
	}
	if s.AwayS > 0 {
		rows = append(rows, []string{"server away", fmt.Sprintf("%.1f", s.AwayS), "s at most; a node then goes on by policy share"})
	}
	if s.Exchanges == 0 {
		rows = append(rows, []string{"server", "never", "answered: the nodes decided alone"})
	}
	if s.LastError != "" {
		rows = append(rows, []string{"last failure", "", s.LastError})
	}
	for _, k := range []string{"rpm", "tpm"} {
		if all, count := n.sum(k); count > 0 {
			rows = append(rows, []string{k + " limits", hundredths(all.OverMean / count), "over on average, " + hundredths(all.OverMax) +
				" at most, " + hundredths(all.Bound) + " of the bound"})
		}
	}
	return rows
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
