package valkeystore_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// A gateway's node: one clock, an engine, and a syncer that keeps it in step with
// the other nodes' through Valkey. Nothing here waits for the store.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	clock := window.NewClock()
	go func() { _ = clock.Run(ctx) }()
	eng, err := engine.New(engine.Config{Clock: clock, Deployments: []engine.Deployment{
		{ID: "azure-eastus", Group: "gpt-4o", Limits: engine.Limits{RPM: 600, TPM: 100_000}},
	}})
	check(err)
	store, err := valkeystore.Open("valkey://127.0.0.1:6379", valkeystore.Config{Namespace: "example"})
	check(err)
	defer store.Close()
	sync, err := syncer.New(eng, store, syncer.Config{Clock: clock})
	check(err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = sync.Run(ctx) // an error says that the store is away
	}()

	chat, err := eng.Group("gpt-4o")
	check(err)
	// Before the first exchange nothing is admitted: wait for it.
	lease, err := chat.Wait(ctx, engine.Demand{InputTokens: 900})
	check(err)
	fmt.Println("calling", lease.Ref().ID())
	lease.Settle(engine.Usage{InputTokens: 900, OutputTokens: 150})

	stop()
	<-ended // what was used is reported, within 500 ms
	// Output: calling azure-eastus
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Open does not connect; it refuses what cannot work, and repeats no secret.
func ExampleOpen() {
	store, err := valkeystore.Open("valkeys://gateway@valkey.internal:6380?password_env=HOME", valkeystore.Config{
		Namespace: "production",
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	_, err = valkeystore.Open("valkey://:se/cret@127.0.0.1:6379", valkeystore.Config{})
	fmt.Println(err)
	// Output: valkeystore: address: not a URL such as valkey://host:6379 (a password must be escaped)
}

// New works on a client that other parts of the program use too.
//
//nolint:testableexamples // it needs a server
func ExampleNew() {
	client, err := valkey.NewClient(valkey.ClientOption{
		InitAddress:  []string{"127.0.0.1:6379"},
		DisableRetry: true, // and no ConnLifetime: see New
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	store := valkeystore.New(client, valkeystore.Config{})
	fmt.Println(store.Bucket("azure-eastus"))
}

// Dial takes the addresses of Open for a client of the program's own.
func ExampleDial() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := valkeystore.Dial(ctx, "valkey://:secret@127.0.0.1/none")
	fmt.Println(err)
	// Output: valkeystore: address: after the host comes the number of a database or nothing
}

// Exchange is what a syncer calls; by hand it looks like this.
//
//nolint:testableexamples // it needs a server
func ExampleStore_Exchange() {
	store, err := valkeystore.Open("valkey://127.0.0.1:6379", valkeystore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	batch := syncer.Batch{Node: "gateway-1-4711", Seq: 1, Bucket: store.Bucket("azure-eastus"), Deltas: []window.Tally{
		{ID: "azure-eastus", Start: window.StartSeconds(window.EpochAt(time.Now().UnixNano())), Requests: 1, Tokens: 900},
	}}
	var reply syncer.Reply
	if err := store.Exchange(ctx, batch, &reply); err != nil {
		fmt.Println(err) // the same batch again, until there is none
		return
	}
	fmt.Println(reply.Totals[0].Tokens, reply.Duplicate)
}

// Bucket says which deployments travel in one batch.
func ExampleStore_Bucket() {
	store, err := valkeystore.Open("valkey://valkey-1:6379?cluster=true&addr=valkey-2:6379", valkeystore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	fmt.Println(store.Bucket("azure-eastus"), store.Bucket("azure-westus"), store.Bucket("azure-eastus"))
	// Output: 2 4 2
}

// Close ends the connection of a store that Open made.
func ExampleStore_Close() {
	store, err := valkeystore.Open("valkey://127.0.0.1:6379", valkeystore.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	store.Close()
	fmt.Println(store.Exchange(context.Background(), syncer.Batch{Seq: 1}, &syncer.Reply{}))
	// Output: valkeystore: bucket 0: the store is closed
}

// Validate reports everything at once.
func ExampleConfig_Validate() {
	fmt.Println(valkeystore.Config{Namespace: "a b", Buckets: -1}.Validate())
	// Output:
	// valkeystore: Namespace "a b": no braces, spaces or control characters are allowed
	// valkeystore: Buckets -1 is not from 0 to 1024
}
