package engine

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/internal/breaker"
)

// gate is the state that opens and closes a deployment to requests. All of it is under the
// mutex of the handle's group. The handle's fields halfOpen, doubted and failing are copies of
// it for readers without the mutex.
type gate struct {
	lapseAt   int64 // when a reported limit lapses; 0 = none is in force
	breaker   breaker.Breaker
	probe     probe
	cooldowns [CooldownCauses]int64 // begun on this node
}

// nextDeadline returns when the gate next changes by the clock alone; 0 = never.
func (g *gate) nextDeadline() int64 {
	at := g.breaker.Deadline()
	if g.lapseAt != 0 && (at == 0 || g.lapseAt < at) {
		return g.lapseAt
	}
	return at
}

// probe is the one request that a half-open deployment admits, of any class. The cap on its
// pair's requests is one more than had been admitted when the deployment became half-open,
// or when the minute began if that was later.
type probe struct {
	since int64 // when the deployment became half-open
	cap   int64 // on the pair's requests
	epoch int64 // of cap
	out   bool  // the request was admitted in an earlier minute
}

// capAt returns the cap in a minute in which used requests are counted.
func (p *probe) capAt(epoch, used int64) int64 {
	if p.epoch != epoch {
		p.epoch, p.cap = epoch, used
		if !p.out {
			p.cap++
		}
	}
	return p.cap
}

// taken reports whether the probe has been admitted, in a minute in which used requests are
// counted or before.
func (p *probe) taken(epoch, used int64) bool {
	return p.out || p.epoch == epoch && used >= p.cap
}

// longestAnnounced is the longest cooldown that nodes exchange: a day of 25 hours.
const longestAnnounced = int64(25 * time.Hour)
