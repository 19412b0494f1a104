package provider

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
)

type fixedMinute struct {
	rpm, tpm int64

	minute           time.Time // what the counts below are of
	requests, tokens int64
}

// NewFixedMinute returns a rule that counts per UTC minute: a call's request and
// input tokens when it is admitted, its output tokens when it ends, each in the
// minute of that instant. It admits what keeps requests <= RPM and tokens <= TPM;
// as outputs come later, tokens may end above TPM.
func NewFixedMinute(d Deployment) Rule {
	return &fixedMinute{rpm: d.RPM, tpm: d.TPM}
}

// Admit implements [Rule]. A refused call is not counted; Retry-After leads to
// the end of the minute.
func (f *fixedMinute) Admit(now time.Time, r trace.Request) (retryAfter time.Duration, ok bool) {
	f.turn(now)
	if !fits(f.requests+1, f.rpm) || !fits(f.tokens+r.Input, f.tpm) {
		left := f.minute.Add(time.Minute).Sub(now)
		return (left + time.Second - 1).Truncate(time.Second), false
	}
	f.requests++
	f.tokens += r.Input
	return 0, true
}

// End implements [Rule].
func (f *fixedMinute) End(now time.Time, r trace.Request) {
	f.turn(now)
	f.tokens += r.Output
}

// turn starts counting anew when a minute has begun.
func (f *fixedMinute) turn(now time.Time) {
	if minute := now.Truncate(time.Minute); !minute.Equal(f.minute) {
		f.minute, f.requests, f.tokens = minute, 0, 0
	}
}
