package learn

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
	"github.com/plimsoll-dev/plimsoll/window"
)

// Shape is the evidence that a provider counts by minutes although the profile assumes a bucket,
// see [provider.Profile.LearnShape]. The provider reports when its limit is unused again, or
// for how long a refused caller must wait. If it counts by minutes, these instants repeat from
// minute to minute, whatever the usage. Those of a bucket depend on the usage.
type Shape struct {
	from, width int64 // the interval of a minute's beginning on which the latest readings agree, as in Phase
	agreed      int   // how many readings in a row agree
	// The shortest and the longest wait, and the first and the latest end, of these readings.
	least, longest time.Duration
	first, latest  int64
	contradicted   int  // readings in a row that contradict the minutes in force
	minutes        bool // the deployment is counted by minutes
}

const (
	// shapeAgree is how many readings in a row must agree on a minute if they are in
	// whole seconds, shapeAgreeExactly if they are in milliseconds. Two readings of a bucket
	// agree by chance once in 26 times and once in 200. shapeAgree readings must contradict
	// the minutes in force.
	shapeAgree        = 5
	shapeAgreeExactly = 3
	// shapeSpread is by how much the waits of these readings must differ, in whole seconds or in
	// milliseconds: refusals at the same time of each minute agree under any rule.
	shapeSpread        = 10 * time.Second
	shapeSpreadExactly = 2 * time.Second
)

// Minutes reports whether the deployment is counted by minutes.
func (v *Shape) Minutes() bool { return v.minutes }

// Learn applies what the answer to a request sent at an instant reports. The phase is
// learned at the same time, see [Phase.Follow].
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

// weigh applies that the limit is unused a wait after a request sent at an instant was counted.
// The wait may have been rounded up by grain.
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
