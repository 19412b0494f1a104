package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// CSV writes a line for every run.
func CSV(w io.Writer, s *lab.Summary) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{
		"world", "traffic", "policy", "load", "seed", "offered", "served", "refused_local", "refused_provider", "failed", "attempts",
		"provider_429", "failures", "tokens_offered", "tokens_served", "quota", "overrun", "jain", "waited", "wait_p50_ms", "wait_p99_ms",
	})
	for _, r := range s.Results {
		line := []string{r.World, r.Traffic, r.Policy, fmt.Sprint(r.Load), strconv.FormatUint(r.Seed, 10)}
		for _, n := range []int64{
			r.Offered, r.Served, r.RefusedLocal, r.RefusedProvider, r.Failed, r.Attempts,
			r.Provider429, r.Failures, r.TokensOffered, r.TokensServed, r.Quota, r.Overrun,
		} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		line = append(line, strconv.FormatFloat(r.Jain, 'f', 4, 64))
		for _, n := range []int64{r.Waited, r.WaitP50, r.WaitP99} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		_ = c.Write(line) // Flush and Error below
	}
	c.Flush()
	return c.Error()
}

// JSON writes the rows, the verdicts and the figures of charts.
func JSON(w io.Writer, s *lab.Summary) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		*lab.Summary
		*figures
	}{s, figuresOf(s)})
}

// marked are the tables that a Markdown file can hold, by the names of their marks.
var marked = map[string]func(*lab.Summary) table{"goals": goals, "ours": ours, "policies": policies, "without": without, "plan": plan, "overall": overall, "below": below}

// Markdown replaces the tables in a Markdown text: what is between the marks
// <!-- lab:NAME --> and <!-- /lab:NAME -->, for plan, overall, goals, ours, without, policies and
// below. Those of the full set are full:plan and so on. A text without any of the set is an error.
func Markdown(text []byte, s *lab.Summary) ([]byte, error) {
	return replace(text, s.Set, func(of func(*lab.Summary) table) string { return of(s).markdown() })
}

// CheckMarkdown reports whether [Markdown] can replace the tables of a set in a text.
func CheckMarkdown(text []byte, set string) error {
	_, err := replace(text, set, func(func(*lab.Summary) table) string { return "" })
	return err
}

// replace replaces each table of a set in a text.
func replace(text []byte, set string, with func(of func(*lab.Summary) table) string) ([]byte, error) {
	found := false
	for name, of := range marked {
		begin, end := []byte("<!-- lab:"+set+name+" -->\n"), []byte("<!-- /lab:"+set+name+" -->")
		i := bytes.Index(text, begin)
		if i < 0 {
			continue
		}
		i += len(begin)
		j := bytes.Index(text[i:], end)
		if j < 0 {
			return nil, fmt.Errorf("the mark %s has no %s", strings.TrimSpace(string(begin)), end)
		}
		found = true
		text = bytes.Join([][]byte{text[:i], []byte(with(of)), text[i+j:]}, nil)
	}
	if !found {
		return nil, fmt.Errorf("no table to replace: want the marks <!-- lab:%[1]sNAME --> and <!-- /lab:%[1]sNAME --> around it, with plan, overall, goals, ours, without, policies or below for NAME", set)
	}
	return text, nil
}
