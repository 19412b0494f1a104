package estimate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

// BenchmarkRatio reports how many times as long as the estimate tiktoken-go
// takes for a text. Both are measured in turns, and the median of the ratios is
// reported, so that a busy machine does not decide the outcome.
func BenchmarkRatio(b *testing.B) {
	const repeats = 20 // of the estimate, which is too short to be timed alone
	for _, s := range samples(b) {
		for _, enc := range []estimate.Encoding{estimate.O200K, estimate.CL100K} {
			exact := newExact(b, enc)
			b.Run(s.kind+"/"+enc.String(), func(b *testing.B) {
				var ratios []float64
				var total time.Duration
				for b.Loop() {
					start := time.Now()
					if _, err := exact.Text(s.text); err != nil {
						b.Fatal(err)
					}
					middle := time.Now()
					for range repeats {
						estimate.Text(s.text, enc)
					}
					fast := time.Since(middle)
					total += fast
					ratios = append(ratios, repeats*float64(middle.Sub(start))/float64(fast))
				}
				slices.Sort(ratios)
				kib := float64(len(s.text)) / 1024 * float64(b.N*repeats)
				b.ReportMetric(ratios[len(ratios)/2], "tiktoken/estimate")
				b.ReportMetric(float64(total.Nanoseconds())/kib, "ns/KiB")
				b.ReportMetric(0, "ns/op") // a mixture of both: of no use
			})
		}
	}
}

func BenchmarkText(b *testing.B) {
	for _, s := range samples(b) {
		b.Run(s.kind, func(b *testing.B) {
			b.SetBytes(int64(len(s.text)))
			b.ReportAllocs()
			for b.Loop() {
				estimate.Text(s.text, estimate.O200K)
			}
		})
	}
	b.Run("one word", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			estimate.Text("assistant", estimate.O200K)
		}
	})
}

func BenchmarkExact(b *testing.B) {
	for _, s := range samples(b) {
		exact := newExact(b, estimate.CL100K)
		b.Run(s.kind, func(b *testing.B) {
			b.SetBytes(int64(len(s.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := exact.Text(s.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
