package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/bench"
	"github.com/plimsoll-dev/plimsoll/bench/table"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// roundTrip compares what a request would wait for, if its counts were asked of
// a store each time, with a decision from memory. It waits, so it is no row: a
// row's quanta must keep their CPU.
var roundTrip = table.Check{
	ID: "19", Name: "a store on this machine, asked once / TryAcquire+Settle(1000)", Goal: "exchange and INCRBY >= 100x",
	Run: func() (string, bool) {
		found, ok, err := compareRoundTrip()
		if errors.Is(err, exec.ErrNotFound) {
			return "not measured: no valkey-server or redis-server here", os.Getenv("PLIMSOLL_NO_SERVER") == "1"
		}
		if err != nil {
			return err.Error(), false
		}
		return found, ok
	},
}

func compareRoundTrip() (string, bool, error) {
	const samples = 1000
	addr, stop, err := startServer()
	if err != nil {
		return "", false, err
	}
	defer stop()
	client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		return "", false, err
	}
	defer client.Close()
	store, err := valkeystore.Open("valkey://"+addr, valkeystore.Config{})
	if err != nil {
		return "", false, err
	}
	defer store.Close()

	ctx := context.Background()
	acquire := bench.Acquire(bench.Lowest, 1000, "random usage", 1).Setup()
	minute := window.StartSeconds(window.EpochAt(time.Now().UnixNano()))
	batch := syncer.Batch{Node: "bench", Deltas: []window.Tally{{ID: "deployment", Start: minute, Requests: 1, Tokens: 100}}}
	var reply syncer.Reply
	if err := store.Exchange(ctx, syncer.Batch{Node: batch.Node}, &reply); err != nil {
		return "", false, err
	}
	batch.Epoch = reply.Epoch
	const leases = 1000 // one takes less than the clock's resolution
	ours := func() error { acquire(0, leases); return nil }
	exchange := func() error {
		batch.Seq++
		return store.Exchange(ctx, batch, &reply)
	}
	incrby := func() error { return client.Do(ctx, client.B().Incrby().Key("counter").Increment(1).Build()).Error() }
	var times [3][]float64
	for range samples {
		for i, op := range []func() error{ours, exchange, incrby} {
			began := time.Now()
			if err := op(); err != nil {
				return "", false, err
			}
			times[i] = append(times[i], float64(time.Since(began)))
		}
	}
	lease := median(times[0]) / leases
	a, b := median(times[1])/lease, median(times[2])/lease
	return fmt.Sprintf("exchange %.0fx (%.0f us), INCRBY %.0fx (%.0f us)", a, median(times[1])/1000, b, median(times[2])/1000), min(a, b) >= 100, nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// startServer runs a server on a free port, without files.
func startServer() (addr string, stop func(), err error) {
	binary, err := exec.LookPath("valkey-server")
	if err != nil {
		if binary, err = exec.LookPath("redis-server"); err != nil {
			return "", nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return "", nil, err
	}
	cmd := exec.Command(binary, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning")
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill() // it keeps nothing
		_ = cmd.Wait()
	}
	for range 500 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			return addr, stop, conn.Close()
		}
		<-time.After(10 * time.Millisecond)
	}
	stop()
	return "", nil, errors.New("the server does not answer")
}
