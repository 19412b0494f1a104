package valkeystore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// traffic is what a program does with its client besides.
type traffic struct {
	done, failed, wrong atomic.Int64
}

// run sends commands of several kinds until ctx ends, and looks whether each
// answer is the one to its question.
func (x *traffic) run(ctx context.Context, c valkey.Client, name string) {
	count := int64(0) // of increments at least
	for i := 0; ctx.Err() == nil; i++ {
		word := fmt.Sprint(name, "-", i)
		attempt, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		var err error
		switch i % 4 {
		case 0:
			var got string
			if got, err = c.Do(attempt, c.B().Echo().Message(word).Build()).ToString(); err == nil && got != word {
				x.wrong.Add(1)
			}
		case 1:
			var n int64
			if n, err = c.Do(attempt, c.B().Incr().Key(name).Build()).AsInt64(); err == nil {
				if count++; n < count {
					x.wrong.Add(1)
				}
			}
		case 2:
			_, err = c.DoCache(attempt, c.B().Get().Key("shared").Cache(), time.Second).ToString()
			if valkey.IsValkeyNil(err) {
				err = nil
			}
		case 3:
			results := c.DoMulti(attempt, c.B().Multi().Build(), c.B().Echo().Message(word).Build(), c.B().Set().Key("shared").Value(word).Build(), c.B().Exec().Build())
			var got []valkey.ValkeyMessage
			if got, err = results[3].ToArray(); err == nil {
				if text, _ := got[0].ToString(); text != word {
					x.wrong.Add(1)
				}
			}
		}
		cancel()
		if err != nil {
			if _, refused := errors.AsType[*valkey.ValkeyError](err); refused {
				x.wrong.Add(1) // the server has no reason to
			}
			x.failed.Add(1)
			pause(time.Millisecond)
			continue
		}
		x.done.Add(1)
	}
}

// rowShared has syncers share valkey-go's multiplexed client, as it comes, with
// everything else that a gateway does with it, under random faults of the
// network.
func rowShared(t underTest) string {
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: fleetCounts}
	var others traffic
	var work sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	for i := range fleetSize {
		proxy := servertest.NewProxy(t, server.Addr())
		client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{proxy.Addr()}, DisableRetry: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		f.joinWith(valkeystore.New(client, valkeystore.Config{}), window.NewClock()).proxy = proxy
		for j := range 8 {
			work.Go(func() { others.run(ctx, client, fmt.Sprint("gateway-", i, "-", j)) })
		}
	}
	f.load()
	f.settled()
	const faults = 40
	for range faults {
		proxy := f.gateways[rand.IntN(fleetSize)].proxy
		switch rand.IntN(5) {
		case 0, 1:
			proxy.CutNextReply()
		case 2:
			proxy.HoldRequests()
		case 3:
			proxy.Block(servertest.ToClient)
		case 4:
			proxy.Slow(servertest.ToServer, between(time.Millisecond, 60*time.Millisecond), 0)
		}
		pause(between(50*time.Millisecond, 400*time.Millisecond))
		proxy.Heal()
	}
	pause(500 * time.Millisecond)
	stop()
	work.Wait()
	text := f.exact(server.URL())
	st := f.stats()
	expect(t, "duplicates", st.Duplicates)
	if st.Duplicates > st.InDoubt {
		t.Errorf("%d duplicates of %d batches in doubt", st.Duplicates, st.InDoubt)
	}
	if n := others.wrong.Load(); n > 0 {
		t.Errorf("%d other commands were answered wrongly", n)
	}
	return fmt.Sprintf("%d requests exact, %d faults, %d in doubt, %d duplicates; %d other commands answered, %d lost, none wrongly",
		text, faults, st.InDoubt, st.Duplicates, others.done.Load(), others.failed.Load())
}
