package main

import (
	"context"
	"time"

	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/puzpuzpuz/xsync/v3"
	"github.com/sethvargo/go-limiter/memorystore"
	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/memstore"
	ulimiter "github.com/ulule/limiter/v3"
	"github.com/ulule/limiter/v3/drivers/store/memory"
	"golang.org/x/time/rate"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// plenty is a limit, in calls per second, that no run reaches.
const plenty = 1_000_000_000

// perKey puts one limiter per key behind a concurrent map, for libraries that
// leave the keys to their caller.
func perKey[L any](build func() L, allow func(L) bool) func([]string) func(string) bool {
	return func(ids []string) func(string) bool {
		m := xsync.NewMapOf[string, L]()
		for _, id := range ids {
			m.Store(id, build())
		}
		return func(id string) bool {
			l, ok := m.Load(id)
			return ok && allow(l)
		}
	}
}

func timeRate(keys int) measure.Case {
	return decide("x/time/rate Allow (+ map load)", keys, perKey(
		func() *rate.Limiter { return rate.NewLimiter(plenty, plenty) },
		func(l *rate.Limiter) bool { return l.Allow() }))
}

func failsafe(keys int) measure.Case {
	type limiter = ratelimiter.RateLimiter[any]
	return decide("failsafe-go smooth TryAcquirePermit (+ map load)", keys, perKey(
		func() limiter { return ratelimiter.NewSmoothWithMaxRate[any](time.Nanosecond) },
		func(l limiter) bool { return l.TryAcquirePermit() }))
}

func goLimiter(keys int) measure.Case {
	return decide("go-limiter memorystore Take", keys, func([]string) func(string) bool {
		store := must(memorystore.New(&memorystore.Config{Tokens: plenty * 3600, Interval: time.Hour}))
		ctx := context.Background()
		return func(id string) bool {
			_, _, _, ok, err := store.Take(ctx, id)
			return ok && err == nil
		}
	})
}

func throttledGCRA(keys int) measure.Case {
	return decide("throttled memstore GCRA", keys, func([]string) func(string) bool {
		quota := throttled.RateQuota{MaxRate: throttled.PerDuration(plenty, time.Second), MaxBurst: plenty}
		l := must(throttled.NewGCRARateLimiterCtx(must(memstore.NewCtx(65_536)), quota))
		ctx := context.Background()
		return func(id string) bool {
			limited, _, err := l.RateLimitCtx(ctx, id, 1)
			return !limited && err == nil
		}
	})
}

func ulule(keys int) measure.Case {
	return decide("ulule/limiter memory Get", keys, func([]string) func(string) bool {
		l := ulimiter.New(memory.NewStore(), ulimiter.Rate{Period: time.Hour, Limit: plenty * 3600})
		ctx := context.Background()
		return func(id string) bool {
			c, err := l.Get(ctx, id)
			return err == nil && !c.Reached
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
