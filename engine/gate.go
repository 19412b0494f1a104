package engine

import (
	"math"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/breaker"
)

// gate is when a deployment takes requests. All of it is under the mutex of the
// handle's group; the handle's half, doubted and failing repeat what is needed without it.
type gate struct {
	breaker   breaker.Breaker
	probe     probe
	cooldowns [CooldownCauses]int64 // begun on this node
	lapseAt   int64                 // when a reported limit lapses; 0 = none is in force
}

// alarm returns when the gate changes by itself; 0 = it does not.
func (g *gate) alarm() int64 {
	at := g.breaker.Deadline()
	if g.lapseAt != 0 && (at == 0 || g.lapseAt < at) {
		return g.lapseAt
	}
	return at
}

// probe is the one request that a half-open deployment admits: the cap on its pair's
// requests is what had been admitted when it became half-open, or what the minute began
// with, and one. The request may be of any class.
type probe struct {
	since int64 // when the deployment became half-open
	cap   int64 // on the pair's requests
	epoch int64 // of cap
	out   bool  // the request was admitted in an earlier minute
}

func newProbe(since int64) probe { return probe{since: since, epoch: math.MinInt64} }

// capAt returns the cap in a minute, of which so many requests are used.
func (p *probe) capAt(epoch, used int64) int64 {
	if p.epoch != epoch {
		p.epoch, p.cap = epoch, used
		if !p.out {
			p.cap++
		}
	}
	return p.cap
}

// taken reports whether the request has been admitted, in a minute of which so many are
// used or before.
func (p *probe) taken(epoch, used int64) bool {
	return p.out || p.epoch == epoch && used >= p.cap
}

// longestAnnounced is the longest cooldown that nodes exchange: a day of 25 hours.
const longestAnnounced = int64(25 * time.Hour)
