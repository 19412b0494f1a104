package syncer

import (
	"math"
	"time"
)

const (
	// thinned is the part of what is left of a limit that all nodes together are to
	// use until they learn of each other again, where they would use more than that.
	thinned = 0.7
	// unseen is for how many horizons what others use may not be known here: it
	// waits there for an exchange, and here for the next.
	unseen = 2
	// many is how many requests come so surely that each node uses all it may.
	many = 50
	// fading is what is left of the highest rate after another total; 0 where no node
	// has used anything for as long as calm.
	fading = 0.9
	calm   = 50 * time.Millisecond
)

// thin shares out what is left of a minute's limits where the nodes would use more than
// that before they learn of each other: each may use a part of it, and the next total
// says what is left then. So the sum approaches a limit in steps, where nodes that all
// see a little room would pass it together.
func (s *Syncer) thin(u *usage, now int64, horizon time.Duration) {
	if u.kind.Long() {
		return
	}
	limits, others, own := u.limits().list(), u.others.list(), u.own.list()
	f := u.forecast.list()
	size := u.sizes()
	for i, limit := range limits {
		if limit <= 0 || u.peak[i] <= 0 {
			continue
		}
		part := part(s.nodeCount(), own[i], others[i])
		offered := u.peak[i] * float64(horizon) / max(1-part, 1e-9) // by all nodes
		left := float64(limit-own[i]-others[i]) - u.rate[i]*float64(horizon)/2
		if left >= unseen*offered {
			continue
		}
		allowed := 0.0
		if left > 0 {
			few := quota(thinned*left*part/size[i], offered*part/size[i])
			allowed = tokens(few, size[i], left, s.draw(u.d.id, now))
		}
		f[i] = max(f[i], limit-others[i]-own[i]-int64(allowed))
	}
	u.forecast = countFrom(f)
}

// sizes returns the mean of what a request counts.
func (u *usage) sizes() (size [4]float64) {
	n := max(u.total.Requests, 1)
	for i, sum := range u.total.list() {
		size[i] = max(float64(sum)/float64(n), 1)
	}
	return size
}

// quota returns how many requests a node may admit so that, of as many as come to it by
// chance, mean at offered, it admits mean on average.
func quota(mean, offered float64) float64 {
	if offered > many {
		return mean // chance evens out
	}
	below, p := 0.0, math.Exp(-offered)
	for k := 0.0; ; k++ {
		below += p
		more := 1 - below // the chance that more than k come
		if more < 1e-3 {
			return math.Inf(1)
		}
		if mean <= more {
			return k + mean/more
		}
		mean -= more
		p *= offered / (k + 1)
	}
}

// tokens returns what a quota of requests may use, of what is left; a draw from 0 to 1
// decides on its fraction. The last request may be larger than the mean.
func tokens(quota, size, left, draw float64) float64 {
	whole := math.Floor(quota)
	if draw < quota-whole {
		whole++
	}
	if whole == 0 {
		return 0
	}
	if size > 1 {
		whole += 0.9
	}
	return min(whole*size, math.Ceil(left))
}
