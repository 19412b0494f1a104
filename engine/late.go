package engine

import "sync/atomic"

// Where a provider counts output in the minute in which a call ends
// (Profile.OutputAtEnd), what is expected of the calls under way is part of the
// next minute too, as foreign usage of its cell: what the engine has counted stays
// in the minute of admission. A flight then holds the expected output alone.

// carry enters in a frame not yet published what is expected of the calls under
// way, and returns it.
func (f *frame) carry(i int) (tokens int64) {
	if h := f.handles[i]; h.late.Load() {
		_, tokens = h.flight.count()
	}
	f.foreign[i].tokens = tokens
	return tokens
}

// endLate ends a lease of a deployment whose output counts at the end: output is
// what it has come to, more what was charged beyond the reservation. It reports
// whether the lease had not expired.
func (l *Lease) endLate(output, more int64) (counted bool) {
	h, epoch, held := l.h, l.epoch, l.held
	found := false
	h.whole(func(f *frame, i int, _ int64) {
		found = true
		if counted = l.end(); !counted || held == uncounted {
			return
		}
		f.addLate(i, epoch, output-held, more > 0)
	})
	if !found {
		return l.end()
	}
	return counted
}

// addLate adds to what was carried of a lease of an earlier minute. What was
// charged to the present minute, as that of admission has gone, is there already.
func (f *frame) addLate(i int, epoch, n int64, charged bool) {
	if f.Epoch <= epoch || charged && f.Epoch > epoch+1 {
		return
	}
	had, _ := f.foreign[i].load()
	n = max(n, -had)
	atomic.AddInt64(&f.foreign[i].tokens, n)
	f.shift(i, n, 0)
	if n < 0 {
		f.eased(i)
	}
}

// finish is end for a lease that has come to an output in all, more than was
// reserved and added by more.
func (l *Lease) finish(output, more int64) (counted bool) {
	if l.h.late.Load() {
		return l.endLate(output, more)
	}
	return l.end()
}
