package engine

import "github.com/plimsoll-dev/plimsoll/window"

// splits are the dimensions whose usage nodes tell each other where there are
// limits on them: dimInput and dimOutput. They are counted by meters of UTC
// minutes, which hold the others' usage too, as cells do.
const splits = 2

// splitShare is the part of a share that is about input or output. Where no
// meter counts it, others is 0.
type splitShare struct {
	others, ceil, told int64
	foreign            int64 // as foreign has it
	last               int64 // own usage of a frame that the meter has left behind
}

// elsewhere returns what is not this node's usage.
func (s *splitShare) elsewhere() int64 { return s.others + s.foreign }

// ownSplit returns this node's input and output in a frame, 0 where no meter
// counts them. Under the group's mutex.
func (f *frame) ownSplit(i int) (own [splits]int64) {
	ms := f.handles[i].meters.Load()
	if ms == nil {
		return own
	}
	for d := range own {
		own[d] = f.shares[i].split[d].last
	}
	for j := range ms.list {
		if m := &ms.list[j]; m.minutely() {
			if n, ok := m.c.UsedIn(f.Epoch); ok {
				own[m.dim] = max(n-f.shares[i].split[m.dim].elsewhere(), 0)
			}
		}
	}
	return own
}

// absorbSplit takes in what the others used of the present minute. Under the
// group's mutex.
func (f *frame) absorbSplit(i int, before, s *share) {
	ms := f.handles[i].meters.Load()
	if ms == nil {
		s.split = noShare.split
		return
	}
	var counted [splits]bool
	for j := range ms.list {
		if m := &ms.list[j]; m.minutely() {
			now, was := &s.split[m.dim], before.split[m.dim].others
			m.c.Shift(now.others-was, m.capped(now.ceil, now.elsewhere()))
			counted[m.dim] = true
		}
	}
	s.dropUncounted(&counted)
}

func (s *share) dropUncounted(counted *[splits]bool) {
	for d := range counted {
		if !counted[d] {
			s.split[d] = noShare.split[d]
		}
	}
}

// rollMeters brings a deployment's meters to frame f, about to be published, and
// keeps what they counted last for the frames before, was and old; old may be nil.
// Under the group's mutex.
func (f *frame) rollMeters(i int, was, old *frame) {
	h := f.handles[i]
	ms := h.meters.Load()
	if ms == nil {
		f.shares[i].split = noShare.split
		return
	}
	now := ms.now()
	var counted [splits]bool
	for j := range ms.list {
		switch m := &ms.list[j]; {
		case m.bucket || m.daily:
		case m.minutely():
			counted[m.dim] = true
			f.rollSplit(i, m, was, old)
		default:
			m.c.Follow(m.window(f.Epoch, now))
		}
	}
	f.shares[i].dropUncounted(&counted)
	h.rollDay(ms, f.Epoch)
}

func (f *frame) rollSplit(i int, m *meter, was, old *frame) {
	if m.c.In(f.Epoch) {
		return
	}
	s := &f.shares[i].split[m.dim]
	before, skipped := m.c.Roll(f.Epoch, s.others, m.capped(s.ceil, s.elsewhere()))
	if old != nil && old.Epoch == was.Epoch-1 && i < len(old.shares) {
		o := &old.shares[i].split[m.dim]
		o.last = max(before-o.elsewhere(), 0)
	}
	if was.Epoch != f.Epoch-1 {
		o := &was.shares[i].split[m.dim]
		o.last = max(skipped-o.elsewhere(), 0)
	}
}

// setSplit sets what was told of input and output.
func (s *share) setSplit(in *window.Share) {
	s.split[dimInput].set(in.Input, in.CeilingInput)
	s.split[dimOutput].set(in.Output, in.CeilingOutput)
}

func (s *splitShare) set(others, ceil int64) {
	s.others, s.ceil = known(others, s.others), ceiling(ceil)
}
