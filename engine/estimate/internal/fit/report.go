package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

var buckets = []struct {
	name     string
	from, to int
}{
	{"128 B–2 KiB", 0, reported},
	{"2–8 KiB", reported, 8 << 10},
	{"8–64 KiB", 8 << 10, largest + 8},
	{"**2 KiB and up**", reported, largest + 8},
}

// report tables the errors on the held-out documents.
func report(docs []document, count func(d *document, enc int) int64) string {
	var kinds []string
	for _, d := range docs {
		if !slices.Contains(kinds, d.kind) {
			kinds = append(kinds, d.kind)
		}
	}
	slices.SortFunc(kinds, func(a, b string) int { return order(a) - order(b) })
	var b strings.Builder
	b.WriteString("| kind | size | documents | o200k median | p95 | bias | cl100k median | p95 | bias |\n")
	b.WriteString("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, kind := range kinds {
		for _, bucket := range buckets {
			var errs [len(encodings)][]float64
			for i := range docs {
				d := &docs[i]
				if d.kind != kind || !d.heldOut || len(d.text) < bucket.from || len(d.text) >= bucket.to {
					continue
				}
				for enc := range encodings {
					errs[enc] = append(errs[enc], float64(count(d, enc))/float64(d.exact[enc])-1)
				}
			}
			if len(errs[0]) == 0 {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %d |", kind, bucket.name, len(errs[0]))
			for _, e := range errs {
				bias := middle(e, 0.5)
				for i := range e {
					e[i] = max(e[i], -e[i])
				}
				fmt.Fprintf(&b, " %.1f %% | %.1f %% | %+.1f %% |", 100*middle(e, 0.5), 100*middle(e, 0.95), 100*bias)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// listWorst names, a line each, for each kind, the n long documents whose estimates are
// furthest off in any encoding.
func listWorst(docs []document, count func(d *document, enc int) int64, n int) []string {
	type miss struct {
		d   *document
		enc int
		err float64
	}
	misses := map[string][]miss{}
	for i := range docs {
		d := &docs[i]
		if !d.heldOut || len(d.text) < reported {
			continue
		}
		for enc := range encodings {
			e := float64(count(d, enc))/float64(d.exact[enc]) - 1
			misses[d.kind] = append(misses[d.kind], miss{d, enc, e})
		}
	}
	var lines []string
	for _, list := range misses {
		slices.SortFunc(list, func(a, b miss) int { return cmp.Compare(math.Abs(b.err), math.Abs(a.err)) })
		for _, m := range list[:min(n, len(list))] {
			lines = append(lines, fmt.Sprintf("%s %+.1f %% of %d tokens, %d bytes: %s", encodings[m.enc], 100*m.err, m.d.exact[m.enc], len(m.d.text), m.d.name))
		}
	}
	return lines
}

// order puts the kinds with a goal first.
func order(kind string) int {
	all := []string{"english", "code", "json", "chinese", "japanese", "arabic", "emoji"}
	if i := slices.Index(all, kind); i >= 0 {
		return i
	}
	return len(all) + int(kind[0])
}

// middle returns the quantile q of values, which it sorts.
func middle(values []float64, q float64) float64 {
	slices.Sort(values)
	return values[int(q*float64(len(values)-1)+0.5)]
}

const begin, end = "<!-- accuracy -->\n", "<!-- end -->"

func replaceTable(file, table string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, also := strings.Cut(rest, end)
	if !ok || !also {
		return errors.New(file + " has no marks for the table")
	}
	return os.WriteFile(file, []byte(before+begin+table+end+after), 0o644)
}
