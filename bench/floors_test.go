package bench

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

func BenchmarkAtomicAdd(b *testing.B) {
	var v atomic.Int64
	for b.Loop() {
		v.Add(1)
	}
}

func BenchmarkTimeNow(b *testing.B) {
	for b.Loop() {
		time.Now()
	}
}

func BenchmarkRandom(b *testing.B) {
	for b.Loop() {
		rand.Uint64()
	}
}

func BenchmarkMapLoad(b *testing.B) {
	for _, keys := range []int{16, 1024} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			m, ids := counters(keys)
			i := 0
			for b.Loop() {
				m.Load(ids[i])
				i = (i + 1) & (keys - 1)
			}
		})
	}
}

func BenchmarkMapLoadAdd(b *testing.B) {
	for _, keys := range []int{16, 1024} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			m, ids := counters(keys)
			i := 0
			for b.Loop() {
				v, _ := m.Load(ids[i])
				v.Add(1)
				i = (i + 1) & (keys - 1)
			}
		})
	}
}

func BenchmarkPlainLoop(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			used := randomUsage(size)
			var last int64
			for b.Loop() {
				last = smallest(used, last>>62)
			}
		})
	}
}

var sizes = []int{10, 100, 1000}
