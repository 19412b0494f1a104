package valkeystore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// dedicate returns the connection for a batch. On a cluster it is a dedicated
// one: when a slot moves, the client follows it by itself and could send the
// transaction without the WATCH before it. A dedicated connection returns the
// error instead, and nothing was applied.
func dedicate(c client) (conn valkey.CoreClient, release func()) {
	if c.Mode() != valkey.ClientModeCluster {
		return c.Client, func() {}
	}
	return c.Dedicate()
}

// probe verifies that the server runs transactions before increments are sent. A
// server that refuses only MULTI would apply the increments without a guard, at
// every attempt. It reads the server's time, which the first batch needs, and
// whether an earlier attempt has applied the batch. If so, it returns true and r
// is the reply.
func (s *Store) probe(ctx context.Context, c client, b *bucket, conn valkey.CoreClient, call *call, batch *syncer.Batch, r *syncer.Reply) (applied bool, err error) {
	b.mu.Lock()
	known := b.probed == c.id
	b.mu.Unlock()
	if known {
		return false, nil
	}
	bld, identity := conn.B(), b.head+b.identity
	cmds := []valkey.Completed{bld.Watch().Key(identity).Build(), bld.Multi().Build(), bld.Time().Build()}
	guarded := batch.Seq != 0 && batch.Next == 0
	if guarded {
		call.head = b.named(&call.text, batch.Epoch)
		marker, before := call.marker(batch.Node, batch.Seq), call.marker(batch.Node, batch.Seq-1)
		cmds = append(cmds, bld.Get().Key(identity).Build(), bld.Exists().Key(before).Build(),
			bld.Set().Key(marker).Value("1").Xx().Ex(keyTTL).Build())
	}
	results := conn.DoMulti(ctx, append(cmds, bld.Exec().Build())...)
	exec := results[len(results)-1]
	if err := cause(results); !errors.Is(err, errGarbled) { // the server refused a command
		if results[1].Error() == nil && !aborted(exec.Error()) {
			conn.Do(ctx, bld.Discard().Build())
		}
		return false, fmt.Errorf("trying a transaction: %w", err)
	}
	answers, err := exec.ToArray()
	switch {
	case valkey.IsValkeyNil(err): // another client changed the key during the transaction
	case err != nil || len(answers) != len(cmds)-2:
		return false, fmt.Errorf("trying a transaction: %w", errGarbled)
	default:
		if at, err := serverTime(&answers[0]); err == nil {
			s.clock.Store(&reading{at, time.Now()})
		}
	}
	b.mu.Lock()
	b.probed = c.id
	b.mu.Unlock()
	if err != nil || !guarded {
		return false, nil
	}
	const inIdentity, inPrev, inMarker = 1, 2, 3
	if answers[inMarker].IsNil() || answers[inMarker].Error() != nil {
		return false, nil
	}
	clearReply(r, 0)
	text, _ := answers[inIdentity].ToString()
	prev, err := answers[inPrev].ToInt64()
	b.duplicate(batch, r, text, err == nil && prev == 0)
	return true, nil
}

// aborted reports whether EXEC's error means that the server has discarded the
// transaction. After any other error it still queues further commands.
func aborted(err error) bool {
	verr, ok := errors.AsType[*valkey.ValkeyError](err)
	return ok && hasCode(verr, "EXECABORT")
}

// distrust makes the next batch probe again if the server did not run this one's
// commands as a guarded transaction.
func (b *bucket) distrust(ctx context.Context, conn valkey.CoreClient, c *call, results []valkey.ValkeyResult) {
	var watch error
	if c.atWatch >= 0 {
		watch = results[c.atWatch].Error()
	}
	multi := results[c.atMulti].Error()
	exec := results[len(results)-1].Error()
	open := multi == nil && exec != nil && !valkey.IsValkeyNil(exec) && !aborted(exec)
	if watch == nil && multi == nil && !open {
		return
	}
	b.doubt()
	if open {
		conn.Do(ctx, conn.B().Discard().Build())
	}
}

// doubt makes the next batch probe again. The outcome of the last one is not known, or it was
// no guarded transaction. The user may have lost a right since, and without MULTI or WATCH
// the batch would count again when it is sent again.
func (b *bucket) doubt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probed = 0
}

// checkTimeout bounds the query of the server's settings, which delays an
// exchange that is otherwise complete.
const checkTimeout = 100 * time.Millisecond

// checkEviction logs a warning if the server evicts keys when its memory is full.
// It asks once for each client, and again if the server did not reply.
func (s *Store) checkEviction(ctx context.Context, c client) {
	if s.checked.Swap(c.id) == c.id {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	servers := map[string]valkey.Client{"": c.Client}
	if c.Mode() == valkey.ClientModeCluster {
		servers = c.Nodes()
	}
	for _, server := range servers {
		info, err := server.Do(ctx, server.B().Info().Section("memory").Build()).ToString()
		if _, refused := errors.AsType[*valkey.ValkeyError](err); err != nil && !refused {
			s.checked.CompareAndSwap(c.id, 0)
			return
		}
		for line := range strings.Lines(info) {
			policy, found := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:")
			if found && policy != "noeviction" && s.first("eviction") {
				s.log.Warn("the server drops keys when its memory is full, and counts with them: set maxmemory-policy noeviction", "maxmemory_policy", policy)
			}
		}
	}
}
