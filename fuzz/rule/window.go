package rule

import "time"

// FixedWindow admits up to Limit in each window.
type FixedWindow struct {
	Limit  int64
	Length int64 // nanoseconds; 0 = a minute
	Phase  int64 // windows begin this many nanoseconds after whole lengths of Unix time

	begun, used int64
}

// Used returns what the current window has taken.
func (f *FixedWindow) Used(now int64) int64 {
	if f.Length == 0 {
		f.Length = minute
	}
	if begun := windowStart(now, f.Phase, f.Length); begun != f.begun {
		f.begun, f.used = begun, 0
	}
	return f.used
}

// Take implements [Limit].
func (f *FixedWindow) Take(now, n int64) bool {
	if f.Used(now)+n > max(f.Limit, 0) {
		return false
	}
	f.used += n
	return true
}

// Add implements [Limit].
func (f *FixedWindow) Add(now, n int64) { f.used = max(f.Used(now)+n, 0) }

// Refund implements [Limit].
func (f *FixedWindow) Refund(now, charged, n int64) {
	if f.Used(now); charged >= f.begun {
		f.Add(now, -n)
	}
}

// Wait implements [Limit]. A window frees its limit at its end.
func (f *FixedWindow) Wait(now, n int64) (wait int64, never bool) {
	if f.Used(now)+n <= max(f.Limit, 0) {
		return 0, false
	}
	return f.begun + f.Length - now, n > max(f.Limit, 0)
}

// SetLimit implements [Limit].
func (f *FixedWindow) SetLimit(_, limit int64) { f.Limit = limit }

// State implements [Limit].
func (f *FixedWindow) State(now int64) State {
	left := max(f.Limit, 0) - f.Used(now)
	return State{Limit: max(f.Limit, 0), Left: left, Reset: time.Duration(f.begun + f.Length - now), Whole: true}
}

func windowStart(now, phase, length int64) int64 {
	since := (now - phase) % length
	if since < 0 {
		since += length
	}
	return now - since
}
