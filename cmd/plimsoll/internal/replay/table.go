package replay

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteTable writes the report for people: a line per deployment, then the
// totals, and the figures of several nodes.
func (r *Report) WriteTable(w io.Writer) error {
	text := align(r.deploymentRows(), "lrrrrrrrr") + "\n" + align(r.totalRows(), "lrl")
	if r.Cluster != nil {
		text += "\n" + r.Cluster.table()
	}
	_, err := io.WriteString(w, text)
	return err
}

func (r *Report) deploymentRows() [][]string {
	rows := [][]string{
		{"", "", "", "", "RPM", "RPM", "TPM", "TPM", "TPM"},
		{"deployment", "served", "tokens", "used", "limit", "peak", "limit", "reserved", "ended"},
	}
	for _, d := range r.Deployments {
		rows = append(rows, []string{
			d.ID, grouped(d.Served), grouped(d.Tokens), used(d.Tokens, d.TPMLimit, r.Minutes),
			limitText(d.RPMLimit), grouped(d.PeakRPM),
			limitText(d.TPMLimit), grouped(d.PeakReservedTPM), grouped(d.PeakEndedTPM),
		})
	}
	return rows
}

func (r *Report) totalRows() [][]string {
	rows := [][]string{
		{"requests offered", grouped(r.Offered), ""},
		{"served", grouped(r.Served), percent(r.Served, r.Offered)},
		{"refused locally", grouped(r.RefusedLocal), perThousand(r.RefusedLocal, r.Offered)},
		{"refused by provider", grouped(r.RefusedProvider), perThousand(r.RefusedProvider, r.Offered)},
		{"provider 429s", grouped(r.Provider429), perThousand(r.Provider429, r.Offered)},
		{"tokens offered", grouped(r.TokensOffered), percent(r.TokensOffered, r.QuotaTokens) + " of quota"},
		{"tokens served", grouped(r.TokensServed), percent(r.TokensServed, r.QuotaTokens) + " of quota (goodput)"},
		{"quota", grouped(r.QuotaTokens), fmt.Sprintf("tokens in %d minutes", r.Minutes)},
		{"wall time", grouped(r.WallMS), fmt.Sprintf("ms, %s decisions/s", grouped(r.DecisionsPerS))},
	}
	if r.Rule == "" {
		return rows
	}
	rows = append(rows, []string{"tokens above the limits", grouped(r.OverrunTokens), fmt.Sprintf("%.2f %% of quota", 100*share(r.OverrunTokens, r.QuotaTokens))})
	if c := r.Clairvoyant; c != nil {
		rows = append(rows,
			[]string{"best clairvoyant", grouped(c.TokensServed), "tokens served: " + c.Best},
			[]string{"of the best", hundredths(c.Goodput), "tokens served"},
			[]string{"avoidable refusals", signed(c.Avoidable), fmt.Sprintf("%.1f per 1000, beyond the fewest of any clairvoyant", 1000*share(c.Avoidable, r.Offered))},
		)
	}
	return rows
}

// signed is [grouped] for what may be negative.
func signed(n int64) string {
	if n < 0 {
		return "-" + grouped(-n)
	}
	return grouped(n)
}

// align joins rows into lines with their columns one under the other. sides has
// a letter for each column: l puts it to the left, r to the right.
func align(rows [][]string, sides string) string {
	widths := make([]int, len(sides))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, text := range row {
			if sides[i] == 'l' {
				cells[i] = fmt.Sprintf("%-*s", widths[i], text)
			} else {
				cells[i] = fmt.Sprintf("%*s", widths[i], text)
			}
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
	}
	return b.String()
}

// limitText shows a limit; a dash stands for none.
func limitText(limit int64) string {
	if limit == 0 {
		return "-"
	}
	return grouped(max(0, limit))
}

// used shows tokens as a share of what a limit allows in so many minutes.
func used(tokens, limit, minutes int64) string {
	if limit <= 0 {
		return "-"
	}
	return percent(tokens, limit*minutes)
}

func percent(part, whole int64) string { return fmt.Sprintf("%.1f %%", 100*share(part, whole)) }

func perThousand(part, whole int64) string {
	return fmt.Sprintf("%.1f per 1000", 1000*share(part, whole))
}

// share returns part / whole, and 0 for a whole of nothing.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// grouped returns a count (not negative) with its thousands set apart by commas.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
