package valkeystore_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// BenchmarkLayouts compares what a server spends on counters as keys of their own, as they
// are, and as fields of one hash for each bucket and window: 2000 counters, in batches of 500,
// added to or read. All ways take turns against one server. One operation is 50 turns of each.
//
//	go test -run '^$' -bench Layouts -benchtime 20x ./sync/valkeystore
func BenchmarkLayouts(b *testing.B) {
	const deployments, batch = 1000, 250
	server := servertest.Start(b)
	c, err := valkey.NewClient(valkey.ClientOption{
		InitAddress: []string{server.Addr()}, ForceSingleClient: true, DisableCache: true, DisableRetry: true,
		AlwaysPipelining: true, PipelineMultiplex: -1, BlockingPipeline: -1,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	const head, start = "plimsoll2:{default.0}:sz3kq0v1a:", ":1795478400"
	hash := head + "m" + start
	var keys, fields []string
	for i := range deployments {
		for _, kind := range []string{"t", "r"} {
			field := fmt.Sprintf("azure-eastus-gpt-4o-%03d:%s", i, kind)
			keys, fields = append(keys, head+"c:"+field+start), append(fields, field)
		}
	}
	// each sends 2000 counters in batches within MULTI, as the store does.
	each := func(queue func(cmds []valkey.Completed, from, to int) []valkey.Completed) func() {
		return func() {
			for from := 0; from < len(keys); from += 2 * batch {
				cmds := []valkey.Completed{c.B().Multi().Build()}
				cmds = append(queue(cmds, from, from+2*batch), c.B().Exec().Build())
				for _, r := range c.DoMulti(b.Context(), cmds...) {
					if err := r.Error(); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	}
	ways := []*way{
		{name: "INCRBY", round: each(func(cmds []valkey.Completed, from, to int) []valkey.Completed {
			for _, key := range keys[from:to] {
				cmds = append(cmds, c.B().Incrby().Key(key).Increment(4711).Build())
			}
			return cmds
		})},
		{name: "HINCRBY", round: each(func(cmds []valkey.Completed, from, to int) []valkey.Completed {
			for _, field := range fields[from:to] {
				cmds = append(cmds, c.B().Hincrby().Key(hash).Field(field).Increment(4711).Build())
			}
			return cmds
		})},
		{name: "GET", round: each(func(cmds []valkey.Completed, from, to int) []valkey.Completed {
			for _, key := range keys[from:to] {
				cmds = append(cmds, c.B().Get().Key(key).Build())
			}
			return cmds
		})},
		{name: "MGET", round: each(func(cmds []valkey.Completed, from, to int) []valkey.Completed {
			return append(cmds, c.B().Mget().Key(keys[from:to]...).Build())
		})},
		{name: "HMGET", round: each(func(cmds []valkey.Completed, from, to int) []valkey.Completed {
			return append(cmds, c.B().Hmget().Key(hash).Field(fields[from:to]...).Build())
		})},
	}
	sent := make([]float64, len(ways))
	net := func() float64 {
		n, err := strconv.ParseFloat(server.Info(b, "stats", "total_net_input_bytes"), 64)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	for _, w := range ways {
		w.server = server
	}
	warm(ways)
	for range b.N {
		for i, w := range ways {
			cpu, before := w.serverCPU(b), net()
			for range 50 {
				w.round()
				w.keys += len(keys)
			}
			w.cpu, sent[i] = w.cpu+w.serverCPU(b)-cpu, sent[i]+net()-before
		}
	}
	for i, w := range ways {
		b.ReportMetric(w.perKey()*1e6, w.name+"-µs")
		b.ReportMetric(sent[i]/float64(w.keys), w.name+"-bytes")
	}
	b.ReportMetric(0, "ns/op")
}
