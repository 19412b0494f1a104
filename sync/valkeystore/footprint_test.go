package valkeystore_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// BenchmarkFootprint measures what a node costs the server: memory by counter
// and by marker, and the share of a core for ten batches a second.
//
//	go test -run '^$' -bench Footprint -benchtime 300x ./sync/valkeystore
func BenchmarkFootprint(b *testing.B) {
	server := servertest.Start(b)
	used := func(section, field string) float64 {
		v, err := strconv.ParseFloat(server.Info(b, section, field), 64)
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	n := newNode(b, open(b, server.URL(), valkeystore.Config{}))
	n.timeout = 5 * time.Second
	at := begin()
	const batches = 20
	n.add(tally("warm", at, 1, 1))
	before := used("memory", "used_memory")
	for i := range batches {
		var deltas []window.Tally
		for j := range 250 {
			deltas = append(deltas, tally(fmt.Sprintf("azure-eastus-gpt-4o-%03d", 250*i+j), at, 3, 4711))
		}
		n.add(deltas...)
	}
	counters := used("memory", "used_memory") - before
	b.ReportMetric(counters/(2*250*batches), "bytes/counter")

	before = used("memory", "used_memory")
	for range 5000 {
		n.add()
	}
	b.ReportMetric((used("memory", "used_memory")-before)/5000, "bytes/marker")

	for _, dirty := range []int{1, 20, 200} {
		var deltas []window.Tally
		for j := range dirty {
			deltas = append(deltas, tally(fmt.Sprintf("azure-eastus-gpt-4o-%03d", j), at, 3, 4711))
		}
		cpu := used("cpu", "used_cpu_user") + used("cpu", "used_cpu_sys")
		for range b.N {
			n.add(deltas...)
		}
		cpu = used("cpu", "used_cpu_user") + used("cpu", "used_cpu_sys") - cpu
		b.ReportMetric(100*10*cpu/float64(b.N), fmt.Sprintf("%%core/node-%d-dirty", dirty))
	}
	b.ReportMetric(0, "ns/op")
}
