package bench

import (
	"fmt"
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine"
)

var strategies = []engine.Strategy{lowest, even, p2c, engine.Weighted}

func BenchmarkPick(b *testing.B) {
	for _, s := range strategies {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("%s/%d", s, size), func(b *testing.B) {
				g := randomPool(s, size).group
				b.ReportAllocs()
				for b.Loop() {
					if _, ok := g.Pick(hundred); !ok {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}

func BenchmarkPickRefused(b *testing.B) {
	for _, s := range strategies {
		for _, room := range []int64{0, 50} {
			b.Run(fmt.Sprintf("%s/%d/room%d", s, many, room), func(b *testing.B) {
				g := roomEach(s, room)().group
				b.ReportAllocs()
				for b.Loop() {
					if _, ok := g.Pick(hundred); ok {
						b.Fatal("not refused")
					}
				}
			})
		}
	}
}

func BenchmarkAcquireSettle(b *testing.B) {
	for _, s := range strategies {
		for _, size := range sizes {
			for _, l := range []load{random, tied, unnamed, inFlight, buckets, phased, apart, parts, days} {
				b.Run(fmt.Sprintf("%s/%d/%s", s, size, l), func(b *testing.B) {
					g := l.pool(s, size).group
					demand := l.demand()
					b.ReportAllocs()
					for b.Loop() {
						lease, ok := g.TryAcquire(demand)
						if !ok {
							b.Fatal("refused")
						}
						lease.Settle(cost)
					}
				})
			}
		}
	}
}

func BenchmarkAcquireSettleParallel(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			g := newPool(lowest, size, nil).group
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					lease, _ := g.TryAcquire(hundred)
					lease.Settle(cost)
				}
			})
		})
	}
}

// BenchmarkPickAround picks among deployments of which the best cannot be had.
func BenchmarkPickAround(b *testing.B) {
	for _, s := range []engine.Strategy{lowest, even} {
		for _, k := range []int{1, 100} {
			for _, c := range []struct {
				name  string
				build func() pool
				d     engine.Demand
			}{
				{"cooling", coolingPool(s, k), hundred},
				{"toolarge", tightPool(s, k), engine.Demand{InputTokens: small}},
				{"tag", taggedPool(s), tagged()},
			} {
				b.Run(fmt.Sprintf("%s/%s/%d", s, c.name, k), func(b *testing.B) {
					g := c.build().group
					b.ReportAllocs()
					for b.Loop() {
						if _, ok := g.Pick(c.d); !ok {
							b.Fatal("refused")
						}
					}
				})
			}
		}
	}
}
