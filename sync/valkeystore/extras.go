package valkeystore

import (
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"
)

// An extra is what travels with the counts and is nothing they need: a server that
// refuses its commands, for lack of rights or of the command, still takes the counts.
type extra int

const (
	extraCooldowns extra = iota
	extraNodes
	extraOutdated

	extraCount
)

// extraLost says what does not work without an extra.
var extraLost = [extraCount]string{
	extraCooldowns: "cooldowns are not shared, nor are limits that providers report; usage is",
	extraNodes:     "nodes are not counted, and shares while the store is away rest on the number configured",
	extraOutdated:  "nodes of the version before are not found",
}

// span is the commands of a pipeline from one to before another.
type span struct{ from, to int }

// lacks are the extras that a batch leaves out.
type lacks [extraCount]bool

// extra queues the commands of an extra, unless it is left out.
func (c *call) extra(lacking lacks, x extra, queue func()) {
	if !lacking[x] {
		from := len(c.cmds)
		queue()
		c.extras[x] = span{from, len(c.cmds)}
	}
}

// retryExtras is after how long an extra that was refused is tried again: rights may
// have been granted.
const retryExtras = time.Minute

// refusals are when extras were last refused, Unix ns; 0 = never.
type refusals [extraCount]atomic.Int64

// lacking returns which extras to leave out.
func (r *refusals) lacking(now time.Time) (l lacks) {
	for x := range r {
		at := r[x].Load()
		l[x] = at != 0 && now.UnixNano()-at < int64(retryExtras)
	}
	return l
}

// refusedExtras notes which extras a server has refused, where that kept it from running
// the transaction: nothing was applied, and without them the batch may go through. It
// reports whether there are any.
func (s *Store) refusedExtras(c *call, results []valkey.ValkeyResult, now time.Time) (found bool) {
	if !aborted(results[len(results)-1].Error()) {
		return false
	}
	for x, at := range c.extras {
		for i := at.from; i < at.to; i++ {
			err := results[i].Error()
			if err == nil || valkey.IsValkeyNil(err) {
				continue
			}
			found = true
			s.refusals[x].Store(now.UnixNano())
			if s.first(extraLost[x]) {
				s.log.Warn("the server refuses a command", "lost", extraLost[x], "error", err.Error())
			}
			break
		}
	}
	return found
}
