package syncer

import "time"

// view is what a node believes the others have used of a window.
type view struct {
	others   Count // total - own as committed by then
	rate     [2]float64
	forecast Count // what they will have added by the next exchange
	ceiling  Count // as window.Share has it
}

const (
	rateWeight = 0.5 // of the latest rate in the moving average
	// shortest is the least time between two totals that says anything about a
	// rate.
	shortest = 10 * time.Millisecond
)

// observe takes in a total read at now. The store is asked again within horizon.
// While floor is true others never go down: other nodes may have yet to add what
// an emptied store has lost.
func (u *usage) observe(total Count, now int64, horizon time.Duration, floor bool) {
	others := total.minus(u.committed).atLeast(Count{})
	if floor {
		others = others.atLeast(u.others)
	}
	since := u.at
	if since == 0 {
		since = u.start * int64(time.Second)
	}
	weight := rateWeight
	if u.at == 0 {
		weight = 1
	}
	if dt := time.Duration(now - since); dt >= shortest {
		u.forecast.Requests = foresee(&u.rate[0], weight, others.Requests-u.others.Requests, dt, horizon)
		u.forecast.Tokens = foresee(&u.rate[1], weight, others.Tokens-u.others.Tokens, dt, horizon)
	}
	u.others, u.total, u.known, u.at = others, total, true, now
}

// foresee moves the average of a rate (per nanosecond) to what was added in dt
// and returns what will be added in horizon: nothing, if nothing was.
func foresee(rate *float64, weight float64, added int64, dt, horizon time.Duration) int64 {
	latest := float64(max(added, 0)) / float64(dt)
	*rate += weight * (latest - *rate)
	if added <= 0 {
		return 0
	}
	return int64(*rate * float64(horizon))
}
