package valkeystore

import (
	"errors"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// errGarbled is the error of a reply that no server gives to these commands. The
// batch may have been applied.
var errGarbled = errors.New("the server's answer makes no sense")

// read converts the replies to a batch into r. An error means that the batch may
// or may not have been applied.
func (c *call) read(b *bucket, results []valkey.ValkeyResult, batch *syncer.Batch, r *syncer.Reply) error {
	clearReply(r, c.bytes)
	if len(results) != len(c.cmds) {
		return errGarbled
	}
	exec := results[len(results)-1]
	switch err := exec.Error(); {
	case valkey.IsValkeyNil(err):
		return c.duplicate(b, results, batch, r)
	case err != nil:
		return cause(results)
	}
	answers, err := exec.ToArray()
	if err != nil || len(answers) != c.queued {
		return errGarbled
	}
	return c.applied(b, answers, batch, r)
}

// cause returns why a transaction did not run. The first error of the pipeline is
// more precise than EXEC's. Without an error it is errGarbled.
func cause(results []valkey.ValkeyResult) error {
	for _, result := range results {
		if err := result.Error(); err != nil && !valkey.IsValkeyNil(err) {
			return err
		}
	}
	return errGarbled
}

// duplicate converts a nil of EXEC: the marker existed, so the batch had been
// applied before. The identity and the previous batch's marker were read just
// before the transaction.
func (c *call) duplicate(b *bucket, results []valkey.ValkeyResult, batch *syncer.Batch, r *syncer.Reply) error {
	if c.atWatch < 0 {
		return errGarbled // the batch watched no marker
	}
	if err := results[c.atWatch].Error(); err != nil {
		return err
	}
	identity, _ := results[c.atIdentity].ToString()
	unknown := false
	if c.atPrev >= 0 {
		n, err := results[c.atPrev].AsInt64()
		unknown = err == nil && n == 0
	}
	b.duplicate(batch, r, identity, unknown)
	return nil
}

// duplicate sets r to the reply to a batch that had been applied before. An empty identity
// could not be read. Unknown says that the marker of the previous batch is missing.
func (b *bucket) duplicate(batch *syncer.Batch, r *syncer.Reply, identity string, unknown bool) {
	r.Duplicate = true
	r.Generation, r.Epoch = batch.Generation, batch.Epoch
	if identity != "" {
		b.identify(identity, r)
	}
	r.PrevMissing = unknown && batch.Seq > 1
}

// clearReply empties a reply and keeps its slices for reuse.
func clearReply(r *syncer.Reply, bytes int) {
	*r = syncer.Reply{Totals: r.Totals[:0], Held: r.Held[:0], Refused: r.Refused[:0], Cooling: r.Cooling[:0], Members: r.Members[:0], Modes: r.Modes[:0], Bytes: bytes}
}

func (c *call) applied(b *bucket, answers []valkey.ValkeyMessage, batch *syncer.Batch, r *syncer.Reply) error {
	var err error
	if r.StoreTime, err = serverTime(&answers[inTime]); err != nil {
		return err
	}
	if s, err := answers[inIdentity].ToString(); err == nil {
		b.identify(s, r)
	} else {
		b.unidentified(batch, r)
	}
	if c.inNodes != 0 {
		if n, err := answers[c.inNodes].ToInt64(); err == nil {
			r.Nodes = int(n)
		}
	}
	if c.inMembers != 0 {
		if names, err := answers[c.inMembers].AsStrSlice(); err == nil && len(names) <= mostMembers {
			for _, name := range names {
				name, settings, _ := strings.Cut(name, settingsMark)
				r.Members = append(r.Members, name)
				unaware, modes := c.look(name, settings, b.settings)
				r.Modes = append(r.Modes, modes)
				if unaware {
					r.Unaware++
				}
			}
		}
	}
	if c.inOutdated != 0 {
		if n, err := answers[c.inOutdated].ToInt64(); err == nil {
			r.Outdated, r.OutdatedKnown = int(n), true
		}
	}
	if c.inPrev != 0 {
		known, err := answers[c.inPrev].ToInt64()
		if err != nil {
			return errGarbled
		}
		r.PrevMissing = known == 0 && batch.Seq > 1
	}
	var got []valkey.ValkeyMessage
	if c.inGets != 0 {
		if got, err = answers[c.inGets].ToArray(); err != nil || len(got) != len(c.gets) {
			return errGarbled
		}
	}
	for i := range c.at {
		asked := window.Tally{}
		if i < len(batch.Deltas) {
			asked = batch.Deltas[i]
		} else {
			asked = blank(&batch.Reads[i-len(batch.Deltas)])
		}
		total, refused := blank(&asked), blank(&asked)
		for j, k := range counterKinds {
			if c.at[i][j] == nowhere {
				continue
			}
			if *field(&total, k), *field(&refused, k), err = count(answers, got, c.at[i][j], *field(&asked, k)); err != nil {
				return err
			}
		}
		r.Totals = append(r.Totals, total)
		r.Held = append(r.Held, c.heldBy(i, got))
		if changed(&refused) != 0 {
			r.Refused = append(r.Refused, refused)
		}
	}
	if c.inVersion != 0 {
		c.version, _ = answers[c.inVersion].ToString() // an error means that no node has added any
	}
	for _, at := range c.inCooling {
		if at != 0 {
			r.Cooling = cooling(&answers[at], r.Cooling)
		}
	}
	return nil
}

// cooling appends the members in force of a set. A key that is no sorted set has none.
func cooling(m *valkey.ValkeyMessage, dst []window.Tally) []window.Tally {
	scores, err := m.AsZScores()
	if err != nil {
		return dst
	}
	for _, z := range scores {
		if z.Score > 0 && z.Score < 1<<53 {
			dst = append(dst, window.Tally{ID: z.Member, CoolUntil: int64(z.Score)})
		}
	}
	return dst
}

// count returns one total. A delta whose counter the server did not change is
// refused; the other commands of the transaction have been applied.
func count(answers, got []valkey.ValkeyMessage, at int, delta int64) (total, refused int64, err error) {
	if at < 0 {
		return number(&got[^at]), 0, nil
	}
	switch m := &answers[at]; {
	case m.IsInt64():
		total, err = m.ToInt64()
		return total, 0, err
	case m.Error() != nil && !m.IsNil():
		return 0, delta, nil
	default:
		return 0, 0, errGarbled
	}
}

// number parses a counter. A value that is no number counts as 0. A value with a
// fraction, which another program has written, counts as its integer part.
func number(m *valkey.ValkeyMessage) int64 {
	s, err := m.ToString()
	if err != nil {
		return 0
	}
	if whole, _, found := strings.Cut(s, "."); found {
		s = whole
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// generation converts the key's text into a number that is not 0: the written
// number, or a hash if another program has written the key.
func generation(s string) uint64 {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil && n != 0 {
		return n
	}
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64() | 1
}

func serverTime(m *valkey.ValkeyMessage) (time.Time, error) {
	parts, err := m.ToArray()
	if err != nil || len(parts) != 2 {
		return time.Time{}, errGarbled
	}
	seconds, err1 := parts[0].AsInt64()
	micros, err2 := parts[1].AsInt64()
	if err1 != nil || err2 != nil {
		return time.Time{}, errGarbled
	}
	return time.Unix(seconds, micros*1000), nil
}
