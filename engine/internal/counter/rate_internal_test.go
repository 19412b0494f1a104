package counter

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

// exactly is what n take to refill, by the definition.
func exactly(n, period, limit int64) int64 {
	u := new(big.Int).Mul(big.NewInt(n), big.NewInt(period))
	u.Add(u, big.NewInt(limit-1))
	if u.Div(u, big.NewInt(limit)); u.Cmp(big.NewInt(bucketMost)) > 0 {
		return bucketMost
	}
	return u.Int64()
}

// FuzzRate compares multiplied charges with the definition, at the edge of what
// is multiplied too.
func FuzzRate(f *testing.F) {
	for _, limit := range []int64{1, 2, 3, 60, 49_999, 50_000, 1 << 20, 7_000_003, 1<<42 - 1, 1 << 42} {
		for _, n := range []int64{0, 1, 2, 1000, 1 << 22, 1<<24 - 1, 1 << 42} {
			f.Add(limit, n, false)
			f.Add(limit, n, true)
		}
	}
	f.Fuzz(func(t *testing.T, limit, n int64, day bool) {
		if limit < 1 || limit > 1<<42 || n < 0 || n > Max {
			t.Skip()
		}
		period := int64(time.Minute) * bucketUnits
		if day {
			period = int64(24*time.Hour) * bucketUnits
		}
		r := newRate(limit, period)
		for _, n := range []int64{n, int64(min(r.few, uint64(Max))), int64(min(r.few, uint64(Max))) + 1} {
			if got, want := r.units(n), exactly(n, period, limit); got != want {
				t.Fatalf("%d of %d: %d units, want %d (few is %d)", n, limit, got, want, r.few)
			}
		}
	})
}

// TestRateMultiplies: usual charges take no division.
func TestRateMultiplies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		limit := 1 + random.Int64N(1<<(1+random.IntN(42)))
		r := newRate(limit, int64(time.Minute)*bucketUnits)
		n := 1 + random.Int64N(min(limit, 1<<22))
		if uint64(n) > r.few {
			t.Fatalf("%d of %d must be divided", n, limit)
		}
		if got, want := r.units(n), exactly(n, r.period, limit); got != want {
			t.Fatalf("%d of %d: %d units, want %d", n, limit, got, want)
		}
	}
	for _, limit := range []int64{1, 2, 3, 1<<42 - 1, 1 << 42} {
		if r := newRate(limit, int64(time.Minute)*bucketUnits); r.few < 1<<22-1 {
			t.Errorf("of %d no more than %d are multiplied", limit, r.few)
		}
	}
	r := newRate(0, 1000)
	if r.units(0) != 0 || r.units(1) != bucketMost || newRate(5, 1000).units(-1) != bucketMost {
		t.Error("nothing refills of a limit of zero, and a charge below zero is none")
	}
}
