package check

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

func aliasViews(f *config.File) []aliasView {
	var out []aliasView
	for alias, group := range f.Engine.Aliases {
		out = append(out, aliasView{f.Mask(alias), f.Mask(group)})
	}
	slices.SortFunc(out, func(a, b aliasView) int {
		return cmp.Or(cmp.Compare(a.Alias, b.Alias), cmp.Compare(a.Group, b.Group))
	})
	return out
}

func storeOf(f *config.File) *storeView {
	s := f.Store
	if s.URL == "" {
		return nil
	}
	return &storeView{
		Address: s.String(), Namespace: f.Mask(s.Namespace), KeyFormat: s.KeyFormat, Nodes: s.Nodes, Outage: s.Outage, Buckets: s.Buckets,
		TTL: timeText(s.TTL), Interval: timeText(s.Interval), Timeout: timeText(s.Timeout),
	}
}

// timeText writes a time; "" for none.
func timeText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// text is what plimsoll check prints.
func (v checkView) text() string {
	format := "plimsoll's own format"
	if v.Format == config.FormatLiteLLM {
		format = "a LiteLLM configuration"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s in %s, strategy %s\n\n", v.File, format,
		cmdline.Counted(len(v.Deployments), "deployment"), cmdline.Counted(v.Groups, "group"), v.Strategy)
	b.WriteString(columns(v.rows()))
	if settings := v.settings(); len(settings) > 0 {
		b.WriteString("\n" + columns(settings))
	}
	b.WriteString(warningLines(v.Warnings))
	b.WriteString(headed("LiteLLM does with this file, and plimsoll serve does not", v.Undone))
	b.WriteString(headed("Notes", v.Notes))
	return b.String()
}

// rows are the deployments' lines. Empty columns are left out.
func (v checkView) rows() [][]string {
	weighted, tagged := false, false
	provided, called := false, false
	var set [provider.Limits]bool
	for _, d := range v.Deployments {
		weighted, tagged = weighted || d.Weight != 0, tagged || len(d.Tags) > 0
		provided = provided || d.Provider != ""
		called = called || d.Endpoint != nil
		for l := range provider.AllLimits() {
			set[l] = set[l] || d.limits[l] != nil && rare(l)
		}
	}
	head := []string{"group", "id", "model"}
	if provided {
		head = append(head, "provider")
	}
	head = append(head, "RPM", "TPM")
	for l := range provider.AllLimits() {
		if set[l] {
			head = append(head, column(l))
		}
	}
	head = append(head, "in flight", "order")
	if weighted {
		head = append(head, "weight")
	}
	if tagged {
		head = append(head, "tags")
	}
	head = append(head, "profile")
	if called {
		head = append(head, "endpoint", "proxy")
	}
	rows := [][]string{append(head, "state")}
	for _, d := range v.Deployments {
		row := []string{cell(d.Group), cell(shortID(d.ID)), cell(d.Model)}
		if provided {
			row = append(row, cell(d.Provider))
		}
		row = append(row, limitCell(d.limits[engine.LimitRPM]), limitCell(d.limits[engine.LimitTPM]))
		for l := range provider.AllLimits() {
			if set[l] {
				row = append(row, limitCell(d.limits[l]))
			}
		}
		row = append(row, limitCell(d.limits[engine.LimitInFlight]), strconv.Itoa(d.Order))
		if weighted {
			row = append(row, weightCell(d.Weight))
		}
		if tagged {
			row = append(row, cell(strings.Join(d.Tags, ",")))
		}
		row = append(row, d.Profile.name())
		if called {
			row = append(row, d.Endpoint.cell(), d.proxied())
		}
		rows = append(rows, append(row, d.State))
	}
	return rows
}

// rare reports whether a limit has a column only where it is set.
func rare(l engine.Limit) bool {
	return l != engine.LimitRPM && l != engine.LimitTPM && l != engine.LimitInFlight
}

// column heads a limit's column, such as "input TPM".
func column(l engine.Limit) string {
	before, of, ok := strings.Cut(l.Key(), "_")
	if !ok {
		return strings.ToUpper(before)
	}
	return before + " " + strings.ToUpper(of)
}

// settings are the lines about all deployments, as far as the file has them.
func (v checkView) settings() [][]string {
	rows := v.profiles()
	add := func(name, text string) {
		if text != "" {
			rows = append(rows, []string{name, text})
		}
	}
	for _, a := range v.Aliases {
		add("alias", cell(a.Alias)+" → "+cell(a.Group))
	}
	v.Routing.settings(add)
	if v.ExpectedOutput > 0 {
		add("expected output", strconv.FormatInt(v.ExpectedOutput, 10)+" tokens")
	}
	if v.OutputQuantile > 0 {
		add("output quantile", strconv.FormatFloat(v.OutputQuantile, 'g', -1, 64))
	}
	classes := make([]string, len(v.PriorityShare))
	for i, share := range v.PriorityShare {
		classes[i] = strconv.FormatFloat(100*share, 'g', 12, 64) + " %"
	}
	add("priority shares", strings.Join(classes, ", "))
	if v.MaxWaiters > 0 {
		add("waiters", strconv.Itoa(v.MaxWaiters)+" at most in a group")
	}
	add("lease TTL", v.LeaseTTL)
	if s := v.Store; s != nil {
		add("store", cell(s.Address))
		for _, part := range [][2]string{
			{"namespace", cell(s.Namespace)},
			{"key format", s.KeyFormat},
			{"key TTL", s.TTL},
			{"interval", s.Interval},
			{"timeout", s.Timeout},
			{"outage", s.Outage},
		} {
			if part[1] != "-" {
				add("  "+part[0], part[1])
			}
		}
		if s.Nodes > 0 {
			add("  nodes", strconv.Itoa(s.Nodes))
		}
		if s.Buckets > 0 {
			add("  buckets", strconv.Itoa(s.Buckets))
		}
	}
	return rows
}

// columns puts rows under each other.
func columns(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t")) // a Builder takes everything
	}
	_ = w.Flush()
	return b.String()
}

const (
	maxCell     = 48 // longest text of a cell
	generatedID = 64 // length of ids that LiteLLM generates
	shownOfID   = 12
)

// shortID cuts a generated id to what distinguishes it from others.
func shortID(id string) string {
	if len(id) == generatedID && strings.Trim(id, "0123456789abcdef") == "" {
		return id[:shownOfID] + "…"
	}
	return id
}

// cell makes a text fit a cell: a dash for none, quotes around what would upset
// a terminal, and not too long.
func cell(s string) string {
	if s == "" {
		return "-"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		s = strconv.Quote(s)
	}
	if r := []rune(s); len(r) > maxCell {
		return string(r[:maxCell-1]) + "…"
	}
	return s
}

func limitCell(n *int64) string {
	if n == nil {
		return "-"
	}
	digits := strconv.FormatInt(*n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func weightCell(w float64) string {
	if w == 0 {
		return "-"
	}
	return strconv.FormatFloat(w, 'g', 6, 64)
}
