package lab

import (
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/provider"
)

// conversations is how many go on at once.
const conversations = 60

// conversation returns the conversation of a call, from 1 on.
func conversation(d draws, number uint64) uint64 {
	return 1 + d.at(forConversation, number, 0)%conversations
}

// cacheLasts is for how long a deployment keeps a prompt after its last use.
const cacheLasts = int64(5 * time.Minute)

// promptCache is what a deployment has of the prompts of conversations: when each was used
// last. Nil = it keeps none.
type promptCache map[uint64]int64

func (c promptCache) has(conversation uint64, now int64) bool {
	at, ok := c[conversation]
	return ok && now-at <= cacheLasts
}

func (c promptCache) use(conversation uint64, now int64) {
	if c != nil {
		c[conversation] = now
	}
}

// batch reports whether a call is of the less important class.
func (w *World) batch(d draws, number uint64) bool {
	return w.Batch > 0 && d.uniform(forClass, number, 0) < w.Batch
}

// classShares are the shares of the two classes, see [engine.Config.PriorityShare].
var classShares = []float64{1, 0.8}

// perDay returns a deployment's limit on the tokens of a day; 0 = none. A run lies within
// one day of UTC.
func (w *World) perDay(d provider.Deployment, place int, length time.Duration) int64 {
	if w.PerDay == 0 || place%4 != 2 {
		return 0
	}
	return int64(w.PerDay * float64(d.TPM) * length.Minutes())
}
