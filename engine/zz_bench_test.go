package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

func benchEngine(b *testing.B, n int, s Strategy, random bool) (*Engine, *Group) {
	t0 := time.Unix(1700000000, 0)
	clk := window.NewClockFrom(func() time.Time { return t0 })
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	go clk.Run(ctx)
	time.Sleep(5 * time.Millisecond)
	var c Config
	c.Clock = clk
	c.Strategy = s
	for i := range n {
		c.Deployments = append(c.Deployments, Deployment{ID: fmt.Sprint("d", i), Group: "g", Limits: Limits{TPM: 1 << 42, RPM: 1 << 42}})
	}
	e, err := New(c)
	if err != nil {
		b.Fatal(err)
	}
	if random {
		var sh []window.Share
		for i := range n {
			sh = append(sh, window.Share{Tally: window.Tally{ID: fmt.Sprint("d", i), Start: window.StartSeconds(window.EpochAt(t0.UnixNano())), Tokens: rand.Int64N(1 << 41), Requests: rand.Int64N(1 << 30)}})
		}
		e.Absorb(sh)
	}
	g, _ := e.Group("g")
	return e, g
}

func BenchmarkZZ(b *testing.B) {
	var x atomic.Int64
	b.Run("atomic", func(b *testing.B) {
		for b.Loop() {
			x.Add(1)
		}
	})
	e, _ := benchEngine(b, 10, LowestTPM, true)
	r, _ := e.Ref("d3")
	b.Run("record", func(b *testing.B) {
		for b.Loop() {
			r.Record(Usage{1, 1})
		}
	})
	b.Run("precheck", func(b *testing.B) {
		for b.Loop() {
			r.PreCheck(Demand{})
		}
	})
	b.Run("precheck-name", func(b *testing.B) {
		for b.Loop() {
			e.PreCheck("d3", Demand{})
		}
	})
	for _, s := range []Strategy{LowestTPM, LeastUtilized, PowerOfTwo, Weighted} {
		for _, n := range []int{10, 100, 1000} {
			b.Run(fmt.Sprint(s, "/pick/", n), func(b *testing.B) {
				_, g := benchEngine(b, n, s, true)
				b.ResetTimer()
				for b.Loop() {
					g.Pick(Demand{InputTokens: 100})
				}
			})
			b.Run(fmt.Sprint(s, "/acqset/", n), func(b *testing.B) {
				_, g := benchEngine(b, n, s, true)
				b.ResetTimer()
				i := int64(0)
				for b.Loop() {
					i++
					l, _ := g.TryAcquire(Demand{InputTokens: 100 + i&63, OutputTokens: 10})
					l.Settle(Usage{60 + i&31, 10})
				}
			})
			b.Run(fmt.Sprint(s, "/acqset-tied/", n), func(b *testing.B) {
				_, g := benchEngine(b, n, s, false)
				b.ResetTimer()
				for b.Loop() {
					l, _ := g.TryAcquire(Demand{InputTokens: 90, OutputTokens: 10})
					l.Settle(Usage{90, 10})
				}
			})
		}
	}
}
