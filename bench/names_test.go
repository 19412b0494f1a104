package bench

import (
	"fmt"
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine"
)

func BenchmarkRefRecord(b *testing.B) {
	r := newPool(engine.LeastUtilized, 10, nil).refs[3]
	b.ReportAllocs()
	for b.Loop() {
		r.Record(cost)
	}
}

func BenchmarkRefPreCheck(b *testing.B) {
	r := newPool(engine.LeastUtilized, 10, nil).refs[3]
	b.ReportAllocs()
	for b.Loop() {
		if !r.PreCheck(hundred) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkPreCheckRecordByName(b *testing.B) {
	for _, keys := range []int{1, 16, 1024} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			p := newPool(engine.LeastUtilized, keys, nil)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if p.engine.PreCheck(p.ids[i], hundred) != nil || p.engine.Record(p.ids[i], cost) != nil {
					b.Fatal("refused")
				}
				i = (i + 1) & (keys - 1)
			}
		})
	}
}
