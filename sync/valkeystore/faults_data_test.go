package valkeystore_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

func rowEmptied(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	ratio := f.picking(func() {
		for range 2 {
			pause(time.Second)
			server.Do(t, "FLUSHALL")
			pause(50 * time.Millisecond)
			server.Do(t, "FLUSHALL")
			pause(time.Second)
			server.Kill(t)
			pause(300 * time.Millisecond)
			server.Run(t)
			server.Await(t)
		}
	})
	pause(time.Second)
	text := f.summary(server.URL(), server) + ratio
	expect(t, "reseeded", f.stats().Reseeded)
	return text
}

// rowEmptiedFull empties the store when the limits have been reached: the minute
// is not handed out twice.
func rowEmptiedFull(t underTest) string {
	limits := engine.Limits{RPM: 60}
	(&fleet{}).awayFromTurn()
	f, server := newFleet(t, limits)
	f.full(limits.RPM)
	minute := begin() // that was full: on a busy machine the next one may begin meanwhile
	full := requestsOf(minute, f.gateways...)
	if full < fleetCounts*limits.RPM {
		t.Errorf("%d requests, want all that the limits allow", full)
	}
	for range 3 {
		server.Do(t, "FLUSHALL")
		pause(700 * time.Millisecond)
	}
	more := requestsOf(minute, f.gateways...) - full
	text := f.summary(server.URL(), server)
	expect(t, "reseeded", f.stats().Reseeded)
	if more > full/50 {
		t.Errorf("%d requests were admitted after the store was emptied", more)
	}
	return text + fmt.Sprintf("; %d more after it; most over a limit of %d: %d", more, limits.RPM, overLimit(t, f, limits.RPM))
}

func rowSnapshot(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	for range 3 {
		server.Do(t, "SAVE")
		pause(1500 * time.Millisecond)
		server.Kill(t)
		server.Run(t)
		server.Await(t)
		pause(time.Second)
	}
	text := f.summary(server.URL(), server)
	expect(t, "new epochs", f.stats().Reseeded)
	return text
}

func rowRefusals(t underTest) string {
	f, server := newFleet(t, engine.Limits{}, "--maxmemory-policy", "noeviction")
	for _, fault := range []struct{ begin, end []string }{
		{[]string{"CONFIG", "SET", "maxmemory", "1"}, []string{"CONFIG", "SET", "maxmemory", "0"}},
		{[]string{"ACL", "SETUSER", "default", "-incrby"}, []string{"ACL", "SETUSER", "default", "+incrby"}},
		{[]string{"ACL", "SETUSER", "default", "-multi"}, []string{"ACL", "SETUSER", "default", "+multi"}},
		{[]string{"ACL", "SETUSER", "default", "-watch"}, []string{"ACL", "SETUSER", "default", "+watch"}},
		{[]string{"ACL", "SETUSER", "default", "-exec"}, []string{"ACL", "SETUSER", "default", "+exec"}},
		{[]string{"REPLICAOF", "127.0.0.1", "1"}, []string{"REPLICAOF", "NO", "ONE"}},
		{[]string{"CONFIG", "SET", "min-replicas-to-write", "1"}, []string{"CONFIG", "SET", "min-replicas-to-write", "0"}},
	} {
		server.Do(t, fault.begin...)
		pause(700 * time.Millisecond)
		server.Do(t, fault.end...)
		pause(300 * time.Millisecond)
	}
	// Loading takes a while: half a thousand keys, 2 ms each.
	server.Do(t, "DEBUG", "POPULATE", "500", "filler", "100")
	server.Do(t, "SAVE")
	server.Kill(t)
	server.Run(t, "--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024")
	loading := false
	servertest.Until(t, "the server has loaded", func() bool {
		_, err := servertest.Ask(server.Addr(), "DBSIZE")
		loading = loading || err != nil && strings.HasPrefix(err.Error(), "LOADING")
		return err == nil
	})
	if !loading {
		t.Error("the server was never loading")
	}
	pause(time.Second)
	for i := range 500 {
		server.Do(t, "DEL", fmt.Sprint("filler:", i)) // they have no TTL
	}
	return f.summary(server.URL(), server)
}

// rowRefusedKeys has counters of another type and full ones: these drop their own
// counts, say so, and stop no other.
func rowRefusedKeys(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	f.rest()
	at := begin()
	for _, start := range []int64{at, at + 60} {
		key := fmt.Sprintf("%sdep-007:t:%d", counters(t, server), start)
		server.Do(t, "DEL", key)
		server.Do(t, "RPUSH", key, "x")
		server.Do(t, "EXPIRE", key, "100")
		server.Do(t, "SET", fmt.Sprintf("%sdep-008:r:%d", counters(t, server), start), strconv.FormatInt(math.MaxInt64, 10), "EX", "100")
	}
	f.load()
	pause(time.Second)
	f.rest()
	bad := map[string]bool{"dep-007": true, "dep-008": true}
	servertest.Until(t, "all other totals are right", func() bool {
		want := own(f.gateways...)
		for p, got := range f.stored(server.URL(), want) {
			if !bad[p.id] && got != want[p] {
				return false
			}
		}
		return true
	})
	var refused syncer.Count
	for _, g := range f.gateways {
		st := g.syncer.Stats()
		refused.Tokens += st.Refused.Tokens
		refused.Requests += st.Refused.Requests
		for p, sum := range own(g) {
			if bad[p.id] && st.Refused == (syncer.Count{}) {
				t.Errorf("%d requests of %s and nothing was refused", sum.Requests, p.id)
			}
		}
	}
	expect(t, "refused tokens", refused.Tokens)
	expect(t, "refused requests", refused.Requests)
	lines := 0
	for _, line := range f.log.lines() {
		if strings.Contains(line, "refuse") {
			lines++
		}
	}
	if most := fleetSize * (1 + len(bad)); lines > most { // one of the store's, one of the syncer's for each deployment
		t.Errorf("%d lines about refused counters, want at most %d", lines, most)
	}
	ttls(t, server)
	return fmt.Sprintf("%d tokens and %d requests refused, all other counters exact; %d lines in the log of %d nodes",
		refused.Tokens, refused.Requests, lines, fleetSize)
}

func rowEviction(t underTest) string {
	f, server := newFleet(t, engine.Limits{}, "--maxmemory-policy", "allkeys-lru")
	if left := 60 - time.Now().Second(); left < 12 {
		pause(time.Duration(left) * time.Second) // the first part within one minute
	}
	pause(2 * time.Second)
	// Single counters, as when there is just not enough room.
	keys, _ := server.Do(t, "KEYS", counters(t, server)+"dep-0[0-4]*").([]any)
	del := []string{"DEL"}
	for _, key := range keys {
		del = append(del, key.(string))
	}
	server.Do(t, del...)
	pause(6 * time.Second)
	restored := f.stats().Restored
	expect(t, "restored", restored)
	// Nearly all keys, the epoch among them.
	for range 5 {
		server.Do(t, "CONFIG", "SET", "maxmemory", "1mb")
		pause(300 * time.Millisecond)
		server.Do(t, "CONFIG", "SET", "maxmemory", "0")
		pause(500 * time.Millisecond)
	}
	f.rest()
	pause(2 * time.Second)
	want := own(f.gateways...)
	got := f.stored(server.URL(), want)
	ttls(t, server)
	st := f.stats()
	evicted := server.Info(t, "stats", "evicted_keys")
	warned := 0
	for _, line := range f.log.lines() {
		if strings.Contains(line, "noeviction") {
			warned++
		}
	}
	if warned != fleetSize {
		t.Errorf("%d of %d nodes warned of the eviction policy", warned, fleetSize)
	}
	return fmt.Sprintf("%d keys lost and restored, %s evicted, %d reseeded, store has %d of %d requests (no promise), %d warnings",
		restored, evicted, st.Reseeded, requests(got), requests(want), warned)
}
