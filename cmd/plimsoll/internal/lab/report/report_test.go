package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/go-analyze/charts"
	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// summary is of two worlds, two kinds of traffic and three policies, with made-up outcomes.
func summary() *lab.Summary {
	p := &lab.Plan{Seeds: []uint64{1, 2}, Traffic: []*lab.Traffic{{Name: "chat"}, {Name: "<b>own</b>"}}}
	for _, w := range lab.Worlds() {
		if w.Name == "fixed" || w.Name == "wait-fixed" {
			p.Worlds = append(p.Worlds, w)
		}
	}
	p.Policies = append(p.Policies, lab.Policies[:4]...)
	var results []lab.Result
	add := func(world, traffic, policy string, load float64, seed uint64, served int64, o lab.Outcome) {
		o.Offered, o.TokensServed, o.TokensOffered, o.Quota = 1000, served, 1000, 2000
		results = append(results, lab.Result{Cell: lab.Cell{World: world, Traffic: traffic, Policy: policy, Load: load, Seed: seed}, Outcome: &o})
	}
	for _, world := range []string{"fixed", "wait-fixed"} {
		for i, traffic := range []string{"chat", "<b>own</b>"} {
			for seed := uint64(1); seed <= 2; seed++ {
				o := lab.Outcome{Jain: 0.99, Provider429: 2}
				o.UsedByPart[0], o.RefusedByPart[lab.Parts-1] = 100, 1
				if world == "wait-fixed" {
					o.Waited = 3
					o.WaitP50BySize[1], o.WaitP99BySize[1] = int64(1000*(i+1)), 5000
					o.OfferedBySize[1], o.RefusedBySize[1] = 100, 10
				}
				add(world, traffic, best, lab.UsualLoad, seed, 1000, lab.Outcome{Jain: 1})
				add(world, traffic, lab.OursName, lab.UsualLoad, seed, 980-10*int64(i)+int64(seed), o)
				add(world, traffic, lab.LiteLLMName, lab.UsualLoad, seed, 950, lab.Outcome{Jain: 0.9, Provider429: 50})
			}
			add(world, traffic, best, 0.5, 1, 1000, lab.Outcome{})
			add(world, traffic, lab.OursName, 0.5, 1, 1000, lab.Outcome{Provider429: 1})
		}
	}
	return p.Summarize(results)
}

func TestFigures(t *testing.T) {
	f := figuresOf(summary())

	// Two loads; the usual one by the first seed alone, as the other has no more.
	require.Len(t, f.Curves, 4)
	c := f.Curves[1]
	require.Equal(t, []string{"fixed", lab.OursName}, []string{c.World, c.Policy})
	require.Len(t, c.Points, 2)
	require.Equal(t, point{0.5, 1, 1}, c.Points[0])
	require.InDelta(t, (0.981+0.971)/2, c.Points[1].Goodput, 1e-9)
	require.InDelta(t, 2, c.Points[1].Refusals, 1e-9)

	require.Len(t, f.Minutes, 3, "of the worlds whose minutes are shown only one ran")
	m := f.Minutes[0]
	require.Equal(t, lab.OursName, m.Policy)
	require.InDelta(t, 100.0/2000*lab.Parts, m.Used[0], 1e-9)
	require.InDelta(t, 1, m.Refused[lab.Parts-1], 1e-9)
	require.Zero(t, m.Used[1])

	require.Len(t, f.Waits, 1)
	w := f.Waits[0]
	require.Equal(t, "wait-fixed", w.World)
	require.InDelta(t, 1.5, w.Median[1], 1e-9)
	require.InDelta(t, 5, w.P99[1], 1e-9)
	require.InDelta(t, 100, w.NotServed[1], 1e-9)
	require.Zero(t, w.Median[0])
}

// The page needs nothing beside itself, runs nothing, is the same for the same summary, and
// shows names as text.
func TestHTML(t *testing.T) {
	var a, b bytes.Buffer
	require.NoError(t, HTML(&a, summary()))
	require.NoError(t, HTML(&b, summary()))
	text := a.String()
	require.Equal(t, text, b.String())
	require.NotContains(t, text, "<script")
	require.Empty(t, regexp.MustCompile(`(src|href)="[^#]`).FindAllString(strings.ReplaceAll(text, `xmlns:xlink="http`, ""), -1))
	require.NotContains(t, strings.ReplaceAll(text, "http://www.w3.org/", ""), "//")
	require.NotContains(t, text, "<b>own")
	require.Contains(t, text, "&lt;b&gt;own")
	require.NotContains(t, text, "No run of this report shows that")
	require.Greater(t, strings.Count(text, "<svg"), 8)
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
		}
		require.NotContains(t, svg, "NaN")
		require.NotContains(t, svg, "e+")
	}

	// A report of the quick set says what it does not show.
	s := summary()
	s.Results = nil
	var c bytes.Buffer
	require.NoError(t, HTML(&c, s))
	require.Contains(t, c.String(), "No run of this report shows that")
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, JSON(&b, summary()))
	var got struct {
		Rows     []map[string]any
		Verdicts []map[string]any
		Curves   []map[string]any
		Minutes  []map[string]any
		Waits    []map[string]any
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	require.NotEmpty(t, got.Rows)
	require.NotEmpty(t, got.Verdicts)
	require.NotEmpty(t, got.Curves)
	require.NotEmpty(t, got.Minutes)
	require.NotEmpty(t, got.Waits)
}

// The lines of an axis are at multiples of a round step, from below all values to above them.
func TestAxes(t *testing.T) {
	for _, c := range []struct {
		values     []float64
		from, to   float64
		labels     int
		labelOfMax string
	}{
		{[]float64{93.8, 100}, 93, 100, 8, "100"},
		{[]float64{0, 3.9}, 0, 4, 5, "4"},
		{[]float64{0, 350}, 0, 350, 8, "350"},
		{[]float64{-3, 12}, -5, 15, 5, "15"},
		{[]float64{0.93, 1}, 0.93, 1, 8, "1.00"},
		{[]float64{5}, 4, 6, 5, "6.0"},
		{[]float64{charts.GetNullValue(), 1, 2}, 1, 2, 6, "2.0"},
		{nil, 0, 1, 6, "1.0"},
	} {
		o := axis{}.option(c.values...)[0]
		require.InDelta(t, c.from, *o.Min, 1e-9, "%v", c.values)
		require.InDelta(t, c.to, *o.Max, 1e-9, "%v", c.values)
		require.Equal(t, c.labels, o.LabelCount, "%v", c.values)
		require.Equal(t, c.labelOfMax, o.ValueFormatter(*o.Max), "%v", c.values)
	}
}

// Tables between marks are replaced, and nothing else.
func TestMarkdown(t *testing.T) {
	text := "a\n<!-- lab:goals -->\nold\n<!-- /lab:goals -->\nb\n<!-- lab:ours -->\n<!-- /lab:ours -->\nc\n"
	got, err := Markdown([]byte(text), summary())
	require.NoError(t, err)
	require.Regexp(t, `(?s)^a\n<!-- lab:goals -->\n\| goal .*\n<!-- /lab:goals -->\nb\n<!-- lab:ours -->\n\| world .*\n<!-- /lab:ours -->\nc\n$`, string(got))
	again, err := Markdown(got, summary())
	require.NoError(t, err)
	require.Equal(t, string(got), string(again))
	full := summary()
	full.Set = lab.FullSet
	_, err = Markdown([]byte(text), full)
	require.ErrorContains(t, err, "want the marks <!-- lab:full:NAME -->")
	of := strings.ReplaceAll(text, "lab:", "lab:full:")
	got, err = Markdown([]byte(of+text), full)
	require.NoError(t, err)
	require.Contains(t, string(got), "<!-- lab:full:goals -->\n| goal ")
	require.True(t, strings.HasSuffix(string(got), text), "the tables of the quick set stay")
	for text, want := range map[string]string{"no marks": "no table to replace", "<!-- lab:ours -->\n": "has no <!-- /lab:ours -->"} {
		_, err := Markdown([]byte(text), summary())
		require.ErrorContains(t, err, want)
	}
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Goals(&b, summary()))
	require.Contains(t, b.String(), "goals are met (2 kinds of traffic, seeds: 2;")
	b.Reset()
	require.NoError(t, Policies(&b, summary()))
	require.Regexp(t, `fixed +97\.\d/2\.0 +95\.0/50\.0`, b.String())
	b.Reset()
	require.NoError(t, Overall(&b, summary()))
	require.Regexp(t, `litellm\+cooldown +95\.0 +95\.0 fixed +50\.0 +50\.0 fixed\nmean over 1 world of one node`, b.String())
	b.Reset()
	require.NoError(t, CSV(&b, summary()))
	require.Equal(t, 1+2*2*(2*3+2), strings.Count(b.String(), "\n"))
}
