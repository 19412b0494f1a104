package replay

import "fmt"

const clusterLegend = `over       used by all nodes together above the limit, right after an admission:
           mean of all minutes, and the highest
bound      (nodes - 1) x the most one node used while the others could not know
           of it, and one request per node
admitted   of the limit, in minutes that asked for more than the limits allow
`

// table is the cluster's part of a report.
func (r *ClusterReport) table() string {
	rows := [][]string{{"deployment", "limit", "", "over", "highest", "bound", "admitted"}}
	for _, l := range r.Limits {
		rows = append(rows, []string{
			l.Deployment, grouped(l.Limit), l.Kind, hundredths(l.OverMean), hundredths(l.OverMax), hundredths(l.Bound), l.admitted(),
		})
	}
	return fmt.Sprintf("%s\nRefused while 2 %% of the limits were free: %s\n\n"+clusterLegend,
		align(rows, "lrlrrrr"), perThousand(r.RefusedWithRoom, r.Offered))
}

// nodesTable shows policies side by side: of each kind of limit the mean and the
// worst.
func (c *Comparison) nodesTable() string {
	rows := [][]string{{"policy", "limits", "over", "highest", "of bound", "admitted", "with room"}}
	for _, p := range c.Policies {
		for _, kind := range []string{"rpm", "tpm"} {
			all, n := p.Cluster.sum(kind)
			if n == 0 {
				continue
			}
			rows = append(rows, []string{
				p.Policy, kind, hundredths(all.OverMean / n), hundredths(all.OverMax), hundredths(all.Bound), all.admitted(),
				perThousand(p.Cluster.RefusedWithRoom, p.Cluster.Offered),
			})
		}
	}
	return align(rows, "llrrrrr") + `
over       used by all nodes together above the limits, right after an admission:
           mean of all minutes and limits, and the highest
of bound   the same as the highest share of what the nodes cannot know of each other
admitted   of the limits, in minutes that asked for more than they allow
with room  calls refused while 2 % of the limits were free
`
}

// sum adds up the limits of a kind, n of them: OverMax is the highest, Bound the
// largest share of its bound that one has reached, Admitted a mean.
func (r *ClusterReport) sum(kind string) (all LimitReport, n float64) {
	for _, l := range r.Limits {
		if l.Kind != kind {
			continue
		}
		n++
		all.OverMean += l.OverMean
		all.OverMax = max(all.OverMax, l.OverMax)
		if l.Bound > 0 {
			all.Bound = max(all.Bound, l.OverMax/l.Bound)
		}
		all.FullMinutes += l.FullMinutes
		all.Admitted += l.Admitted * float64(l.FullMinutes)
	}
	if all.FullMinutes > 0 {
		all.Admitted /= float64(all.FullMinutes)
	}
	return all, n
}

// admitted shows what was in use; a dash if no minute asked for more.
func (l LimitReport) admitted() string {
	if l.FullMinutes == 0 {
		return "-"
	}
	return hundredths(l.Admitted)
}

func hundredths(part float64) string { return fmt.Sprintf("%.2f %%", 100*part) }
