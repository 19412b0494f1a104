package replay

import (
	"fmt"
	"io"
)

// legend says what the columns of a comparison are.
const legend = `goodput    tokens served, of the pool's token limits over %s minutes
429s       attempts that providers refused, per 1000 calls
refused    calls not served, per 1000
over caps  tokens above the limits, of those limits, where providers take every
           call and the limits are only the operator's caps (a second run)
fairness   Jain's index of tokens served / TPM limit; 1 = all used alike
`

// WriteTable writes the comparison for people: a line per policy,
// and another for each kind of limit if several nodes shared them.
func (c *Comparison) WriteTable(w io.Writer) error {
	rows := [][]string{{"policy", "goodput", "429s", "refused", "over caps", "fairness"}}
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
	if _, err := fmt.Fprintf(w, "%s\n"+legend, align(rows, "lrrrrr"), grouped(minutes)); err != nil {
		return err
	}
	if len(c.Policies) == 0 || c.Policies[0].Cluster == nil {
		return nil
	}
	_, err := io.WriteString(w, "\n"+c.nodesTable())
	return err
}
