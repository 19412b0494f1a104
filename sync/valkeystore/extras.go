package valkeystore

import (
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"
)

// An extra is a group of optional commands of a batch. A server that refuses them, because
// the user has no right to them or the server has no such command, still applies the counts.
type extra int

const (
	extraCooldowns extra = iota
	extraNodes
	extraOutdated

	extraCount
)

// extraLost is what the log reports as not working without an extra.
var extraLost = [extraCount]string{
	extraCooldowns: "cooldowns are not shared, nor are limits that providers report; usage is shared",
	extraNodes:     "nodes are not counted; while the store is away, shares are computed from the configured number",
	extraOutdated:  "nodes of an older version are not detected",
}

// span is a range of the commands of a pipeline: from inclusive, to exclusive.
type span struct{ from, to int }

// lacks are the extras that a batch omits.
type lacks [extraCount]bool

// extra queues the commands of an extra, unless the batch omits it.
func (c *call) extra(lacking lacks, x extra, queue func()) {
	if !lacking[x] {
		from := len(c.cmds)
		queue()
		c.extras[x] = span{from, len(c.cmds)}
	}
}

// retryExtras is the time after which a refused extra is tried again, because the user may
// have got the right.
const retryExtras = time.Minute

// refusals are when extras were last refused, Unix ns; 0 = never.
type refusals [extraCount]atomic.Int64

// lacking returns the extras to omit now.
func (r *refusals) lacking(now time.Time) (l lacks) {
	for x := range r {
		at := r[x].Load()
		l[x] = at != 0 && now.UnixNano()-at < int64(retryExtras)
	}
	return l
}

// refusedExtras records the extras that a server has refused, if it therefore has not run
// the transaction. Nothing was applied then, and the batch may succeed without them. It
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
