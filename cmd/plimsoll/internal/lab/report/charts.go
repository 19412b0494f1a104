package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"

	"github.com/go-analyze/charts"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

// The size of a chart in pixels of its own; pages scale it.
const (
	chartWidth  = 460
	chartHeight = 300
	tallHeight  = 360 // of charts with names of worlds below them
)

// perChart is how many worlds a chart by world has at most.
const perChart = 11

// chart is a picture and the numbers in it.
type chart struct {
	Title string
	SVG   template.HTML // written by the library from our own names and numbers
	Table table
}

// colors of policies, of [compared] in their order.
var colors = []charts.Color{
	charts.ColorFromHex("#1d4ed8"), charts.ColorFromHex("#d97706"), charts.ColorFromHex("#6b7280"), charts.ColorFromHex("#0f766e"),
}

var (
	gray  = charts.ColorFromHex("#374151")
	small = charts.FontStyle{FontSize: 11, FontColor: gray}
	theme = themeOf(colors...)
	inset = charts.Box{Left: 4, Top: 10, Right: 12, Bottom: 4, IsSet: true}
	// deep is inset where labels hang below the axis, which the library measures too short.
	deep = charts.Box{Left: 4, Top: 10, Right: 12, Bottom: 36, IsSet: true}
)

// themeOf returns a theme with these colors of series.
func themeOf(series ...charts.Color) charts.ColorPalette {
	line := charts.ColorFromHex("#e5e7eb")
	return charts.MakeTheme(charts.ThemeOption{
		AxisStrokeColor: charts.ColorFromHex("#9ca3af"), AxisSplitLineColor: line, BackgroundColor: charts.ColorWhite,
		TextColor: gray, TextColorTitle: gray, TextColorMark: gray, TextColorLabel: gray, TextColorLegend: gray, TextColorXAxis: gray, TextColorYAxis: gray,
		SeriesColors:       series,
		SeriesUpDownColors: [][2]charts.Color{{charts.ColorFromHex("#1d4ed8"), charts.ColorFromHex("#b91c1c")}},
		CandleWickColor:    charts.ColorFromHex("#6b7280"),
	})
}

// draw paints a picture.
func draw(height int, paint func(*charts.Painter) error) (template.HTML, error) {
	p := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: chartWidth, Height: height, Theme: theme})
	if err := paint(p); err != nil {
		return "", err
	}
	b, err := p.Bytes()
	return template.HTML(b), err //nolint:gosec // the library escapes text, and all text is the lab's own
}

// series are lines with a name each; all have as many values as there are labels.
type series struct {
	names  []string
	values [][]float64
}

// palette returns the colors of the series, each policy with its own.
func (s *series) palette() charts.ColorPalette {
	var list []charts.Color
	for i, n := range s.names {
		c := colors[i%len(colors)]
		for k, p := range compared {
			if nameOf(p) == n {
				c = colors[k]
			}
		}
		list = append(list, c)
	}
	return themeOf(list...)
}

// axis is how values are shown.
type axis struct {
	unit     string
	decimals int      // of values in tables
	from, to *float64 // at least; nil = as the values need
}

// option returns the library's axis for values: its ends and all its lines are at multiples of
// a round step.
func (a axis) option(values ...float64) []charts.ValueAxisOption {
	low, high := math.Inf(1), math.Inf(-1)
	if a.from != nil {
		low = *a.from
	}
	if a.to != nil {
		high = *a.to
	}
	for _, v := range values {
		if v != charts.GetNullValue() {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		low, high = 0, 1 // there are no values
	}
	if low == high {
		low, high = low-1, low+1
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/mostSteps)))
	for _, by := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*by) <= mostSteps {
			step *= by
			break
		}
	}
	from, to := math.Floor(low/step+1e-9), math.Ceil(high/step-1e-9)
	decimals := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	return []charts.ValueAxisOption{{
		Title: a.unit, TitleFontStyle: small, LabelFontStyle: small, Min: new(from * step), Max: new(to * step),
		RangeValuePaddingScale: new(0.0), LabelCount: int(to-from) + 1,
		ValueFormatter: func(v float64) string { return strconv.FormatFloat(v, 'f', decimals, 64) },
	}}
}

// mostSteps is how many steps an axis has at most, or one more.
const mostSteps = 7

// lines draws lines over labels.
func lines(title string, labels []string, x string, s series, a axis, symbols bool) (chart, error) {
	svg, err := draw(chartHeight, func(p *charts.Painter) error {
		o := charts.NewLineChartOptionWithData(s.values)
		o.Theme, o.LineStrokeWidth, o.YAxis = s.palette(), 2, a.option(slices.Concat(s.values...)...)
		o.XAxis = charts.XAxisOption{Labels: labels, Title: x, TitleFontStyle: small, LabelFontStyle: small}
		o.Legend, o.Padding = legend(s.names), inset
		if !symbols {
			o.Symbol = charts.Symbol{Shape: charts.SymbolNone}
			o.XAxis.BoundaryGap = new(false)
			o.XAxis.LabelCount = 7
		}
		return p.LineChart(o)
	})
	return chart{title, svg, s.table(x, labels, a)}, err
}

// bars draws groups of bars over labels.
func bars(title string, labels []string, x string, s series, a axis) (chart, error) {
	svg, err := draw(chartHeight, func(p *charts.Painter) error {
		o := charts.NewBarChartOptionWithData(s.values)
		o.Theme, o.ValueAxis, o.Legend = s.palette(), a.option(slices.Concat(s.values...)...), legend(s.names)
		o.Padding = inset
		o.CategoryAxis = charts.CategoryAxisOption{Labels: labels, Title: x, TitleFontStyle: small, LabelFontStyle: small}
		return p.BarChart(o)
	})
	return chart{title, svg, s.table(x, labels, a)}, err
}

// dots draws a dot for each value over names of worlds.
func dots(title string, worlds []string, s series, a axis) (chart, error) {
	svg, err := draw(tallHeight, func(p *charts.Painter) error {
		o := charts.NewScatterChartOptionWithData(s.values)
		o.Theme, o.YAxis, o.XAxis, o.Legend = s.palette(), a.option(slices.Concat(s.values...)...), worldAxis(worlds), legend(s.names)
		o.Symbol, o.Padding = charts.Symbol{Size: 4}, deep
		return p.ScatterChart(o)
	})
	return chart{title, svg, s.table("world", worlds, a)}, err
}

// span is a value with what it lies between.
type span struct {
	low, high    float64
	from, to     float64 // of the bar
	down         bool    // the bar is red
	descriptions []string
}

// spans draws a bar and a wick for each world.
func spans(title string, worlds []string, list []span, head []string, a axis) (chart, error) {
	var data []charts.OHLCData
	t := table{append([]string{"world"}, head...)}
	for i, x := range list {
		d := charts.OHLCData{Open: x.from, Close: x.to, Low: min(x.low, x.from), High: max(x.high, x.to)}
		if x.down {
			d.Open, d.Close = d.Close, d.Open
		}
		data = append(data, d)
		t = append(t, append([]string{worlds[i]}, x.descriptions...))
	}
	svg, err := draw(tallHeight, func(p *charts.Painter) error {
		o := charts.NewCandlestickOptionWithData(data)
		o.Theme, o.YAxis, o.XAxis = theme, a.option(), worldAxis(worlds)
		o.CandleWidth, o.WickWidth, o.Padding = 0.5, 2, deep
		o.Legend.Show = new(false)
		return p.CandlestickChart(o)
	})
	return chart{title, svg, t}, err
}

func legend(names []string) charts.LegendOption {
	return charts.LegendOption{SeriesNames: names, FontStyle: small, Show: new(len(names) > 1)}
}

func worldAxis(worlds []string) charts.XAxisOption {
	return charts.XAxisOption{Labels: worlds, LabelFontStyle: charts.FontStyle{FontSize: 10, FontColor: gray}, LabelRotation: charts.DegreesToRadians(90), LabelCount: len(worlds)}
}

// table returns the numbers.
func (s *series) table(x string, labels []string, a axis) table {
	t := table{append([]string{x}, s.names...)}
	for i, l := range labels {
		row := []string{l}
		for _, v := range s.values {
			if v[i] == charts.GetNullValue() {
				row = append(row, "–")
				continue
			}
			row = append(row, strconv.FormatFloat(v[i], 'f', a.decimals, 64))
		}
		t = append(t, row)
	}
	return t
}

// sizes are the labels of classes of calls by their prompts.
func sizes() (list []string) {
	for _, n := range lab.Sizes {
		list = append(list, "≤ "+short(n))
	}
	return append(list, "> "+short(lab.Sizes[len(lab.Sizes)-1]))
}

func short(n int64) string {
	if n%1000 == 0 {
		return fmt.Sprintf("%dk", n/1000)
	}
	return strconv.FormatInt(n, 10)
}
