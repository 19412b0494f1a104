package learn

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Shape is what speaks for minutes where a profile assumes a bucket, see
// [provider.Profile.LearnShape]. The provider reports when its limit is unused again, or
// for how long a refused caller is to wait. Counted by minutes these instants repeat from
// minute to minute, whatever the usage; those of a bucket move with the usage.
type Shape struct {
	from, width int64 // the beginning of a minute that the latest readings agree on
	agreed      int   // how many readings in a row agree
	// The least and the longest wait, and the first and the latest end, of these readings.
	least, longest time.Duration
	first, latest  int64
	contradicted   int  // readings in a row that contradict minutes that are in force
	minutes        bool // the deployment is counted by minutes
}

const (
	// shapeAgree is how many readings in a row must agree on a minute that is reported in
	// whole seconds, and shapeAgreeExactly that in milliseconds: by chance two of a bucket
	// agree once in 26 times and once in 200. As many must contradict minutes in force.
	shapeAgree        = 5
	shapeAgreeExactly = 3
	// shapeSpread is how much their waits must differ: refusals at one time of each minute
	// agree on any rule if seconds are all that is reported.
	shapeSpread        = 10 * time.Second
	shapeSpreadExactly = 2 * time.Second
)

// Minutes reports whether the deployment is counted by minutes.
func (v *Shape) Minutes() bool { return v.minutes }

// Learn weighs what the answer to a request sent at an instant reports. The phase is
// learned with it, see [Phase.Follow].
func (v *Shape) Learn(s *provider.Signal, sent int64) {
	r := s.Reading(provider.TPM)
	wait := s.RetryAfter
	grain := provider.Reading{Reset: wait}.ResetGrain()
	switch {
	case r.Reset > 0 && r.Reset <= time.Minute:
		v.weigh(sent, r.Reset, r.ResetGrain())
	case s.Kind == provider.RateLimit && r.Reset == 0 && wait > 2*grain && wait <= time.Minute:
		v.weigh(sent, wait, grain)
	}
}

// weigh takes in that for a request sent at an instant the limit is unused after a wait,
// which may have been rounded up by grain.
func (v *Shape) weigh(sent int64, wait, grain time.Duration) {
	end, width := sent+int64(wait-grain), int64(grain)+phaseSlack
	at, enough, spread := inMinute(end), shapeAgree, shapeSpread
	if grain < time.Second {
		enough, spread = shapeAgreeExactly, shapeSpreadExactly
	}
	if v.agreed > 0 && both(&v.from, &v.width, at, width) {
		v.agreed++
		v.contradicted = 0
		v.least, v.longest = min(v.least, wait), max(v.longest, wait)
		v.first, v.latest = min(v.first, end), max(v.latest, end)
		v.minutes = v.minutes || v.agreed >= enough && v.longest-v.least >= spread && v.latest-v.first > window.Minute/2
		return
	}
	if v.contradicted++; v.minutes && v.contradicted < shapeAgree {
		return
	}
	*v = Shape{from: at, width: width, agreed: 1, least: wait, longest: wait, first: end, latest: end}
}
