package fuzz

// mean is what calls have produced, in 16ths of a token: the average of the
// first 32 samples, each step rounded towards the old value; after those it moves
// by a 32nd of the difference. A sample above 2^31 counts as that.
type mean struct{ samples, scaled int64 }

func (m *mean) learn(tokens int64) {
	m.scaled += (min(tokens, 1<<31)*16 - m.scaled) / min(m.samples+1, 32)
	m.samples++
}

func (m mean) known() bool { return m.samples >= 8 }

// learn takes the output of a settled call; one that cost nothing teaches
// nothing. A deployment teaches its group with its first eight calls and with
// every sixteenth after them; one that is forgotten has no group.
func (m *model) learn(d *mdep, in, out int64) {
	if in == 0 && out == 0 {
		return
	}
	if n := d.learned.samples; !d.forgotten && (n < 8 || n%16 == 0) {
		d.group.learned.learn(out)
	}
	d.learned.learn(out)
}

// expect is the output reserved for a demand that names none.
func (m *model) expect(d *mdep) int64 {
	switch {
	case d.learned.known():
		return d.learned.scaled / 16
	case d.group.learned.known():
		return d.group.learned.scaled / 16
	case d.cfg.Limits.TPM > 0:
		return min(m.expected, max(d.cfg.Limits.TPM/100, 1))
	}
	return m.expected
}
