package replay

import (
	"fmt"
	"io"
)

// legend explains the columns of a comparison.
const legend = `goodput    tokens served, of the pool's token limits over %s minutes
429s       attempts that providers refused, per 1000 calls
refused    calls not served, per 1000
over caps  tokens above the limits, of those limits, where providers take every
           call and the limits are only the operator's caps (a second run)
fairness   Jain's index of tokens served / TPM limit; 1 = all used alike
`

// clairvoyantLegend explains the columns that a rule adds.
const clairvoyantLegend = `of best    tokens served, of those of the best clairvoyant
avoidable  calls not served beyond the fewest of any clairvoyant, per 1000
`

// Brief is a writer that gets a comparison's table without the legend.
type Brief struct{ io.Writer }

// WriteTable writes the comparison for people: a line per policy,
// and another for each kind of limit if several nodes shared them.
func (c *Comparison) WriteTable(w io.Writer) error {
	rows, sides := [][]string{{"policy", "goodput", "429s", "refused", "over caps", "fairness"}}, "lrrrrr"
	minutes := int64(0)
	for _, p := range c.Policies {
		minutes = p.Minutes
		rows = append(rows, []string{
			p.Policy,
			percent(p.TokensServed, p.QuotaTokens),
			fmt.Sprintf("%.1f", 1000*share(p.Provider429, p.Offered)),
			fmt.Sprintf("%.1f", 1000*share(p.RefusedLocal+p.RefusedProvider, p.Offered)),
			fmt.Sprintf("%.2f %%", 100*share(p.SoftCap.OverrunTokens, p.QuotaTokens)),
			fmt.Sprintf("%.3f", p.Fairness),
		})
	}
	explained := legend
	if best := c.Clairvoyant; best != nil {
		explained += clairvoyantLegend
		sides += "rr"
		rows[0] = append(rows[0], "of best", "avoidable")
		for i, p := range c.Policies {
			rows[i+1] = append(rows[i+1], hundredths(p.Clairvoyant.Goodput), fmt.Sprintf("%.1f", 1000*share(p.Clairvoyant.Avoidable, p.Offered)))
		}
		rows = append(rows, []string{
			ClairvoyantName, percent(best.TokensServed, best.QuotaTokens), "0.0",
			fmt.Sprintf("%.1f", 1000*share(best.RefusedLocal, best.Offered)), "", fmt.Sprintf("%.3f", best.Fairness),
			hundredths(1), fmt.Sprintf("%.1f", 1000*share(best.Clairvoyant.Avoidable, best.Offered)),
		})
	}
	if b, ok := w.(Brief); ok {
		_, err := io.WriteString(b.Writer, align(rows, sides))
		return err
	}
	if _, err := fmt.Fprintf(w, "%s\n"+explained, align(rows, sides), grouped(minutes)); err != nil {
		return err
	}
	if len(c.Policies) == 0 || c.Policies[0].Cluster == nil {
		return nil
	}
	_, err := io.WriteString(w, "\n"+c.nodesTable())
	return err
}
