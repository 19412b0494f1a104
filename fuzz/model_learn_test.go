package fuzz

import "math"

// mean is what calls have produced, in 16ths of a token: the average of the
// first 32 samples, each step rounded towards the old value; after those it moves
// by a 32nd of the difference. A sample above 2^31 counts as that, and one above eight times
// the mean, or what the configuration assumes, as so much.
type mean struct{ samples, scaled int64 }

func (m *mean) learn(tokens, assumed int64) {
	m.scaled += (min(tokens*16, 1<<35, 8*max(m.scaled, min(assumed, 1<<31)*16)) - m.scaled) / min(m.samples+1, 32)
	m.samples++
}

func (m mean) known() bool { return m.samples >= 8 }

// quantile is what a share p of the calls stays within. Of the first eight it is
// the largest; each one after them pulls it its way by a 16th of it, or of a
// token, with a force of p from above and 1-p from below.
type quantile struct {
	samples int
	tokens  float32
}

func (q *quantile) learn(tokens, assumed int64, p float64) {
	was := float64(q.tokens)
	x := min(float64(min(tokens, 1<<31)), 8*max(was, float64(assumed)))
	pull := max(was, 1) / 16
	switch {
	case q.samples < 8:
		q.tokens = float32(max(was, x))
	case x > was:
		q.tokens = float32(min(was+float64(pull*p), 1<<31))
	default:
		q.tokens = float32(max(was-float64(pull*(1-p)), 0))
	}
	q.samples++
}

func (q quantile) known() bool   { return q.samples >= 8 }
func (q quantile) output() int64 { return int64(math.Ceil(float64(q.tokens))) }

// learn takes the output of a settled call; one that cost nothing teaches
// nothing. A deployment teaches its group with its first eight calls and with
// every sixteenth after them; one that is forgotten has no group.
func (m *model) learn(d *mdep, in, out int64) {
	if in == 0 && out == 0 {
		return
	}
	teaches := !d.forgotten && (d.learned.samples < 8 || d.learned.samples%16 == 0)
	if teaches {
		d.group.learned.learn(out, m.expected)
	}
	d.learned.learn(out, m.expected)
	if m.quantile == 0 {
		return
	}
	if teaches {
		d.group.high.learn(out, m.expected, m.quantile)
	}
	d.high.learn(out, m.expected, m.quantile)
}

// expect is the output reserved for a demand that names none.
func (m *model) expect(d *mdep) int64 {
	switch {
	case m.quantile != 0 && d.high.known():
		return d.high.output()
	case m.quantile != 0 && d.group.high.known():
		return d.group.high.output()
	case m.quantile == 0 && d.learned.known():
		return d.learned.scaled / 16
	case m.quantile == 0 && d.group.learned.known():
		return d.group.learned.scaled / 16
	case d.cfg.Limits.TPM > 0:
		return min(m.expected, max(d.cfg.Limits.TPM/100, 1))
	}
	return m.expected
}
