package syncer

import (
	"math"
	"time"
)

const (
	// thinned is the part of what is left of a limit that all nodes together may use until they
	// receive each other's usage, where they would use more.
	thinned = 0.7
	// unseen is the number of horizons for which another node's usage may not be visible here:
	// it waits for an exchange there, then for one here.
	unseen = 2
	// many is the expected number of requests above which random variation is ignored.
	many = 50
	// fading is the factor by which the peak rate decays with each total. It drops to 0 where no
	// other node has used anything for calm.
	fading = 0.9
	calm   = 50 * time.Millisecond
)

// thin divides what is left of a minute's limits where the nodes would use it up before they
// receive each other's usage. Each node may use a part of it until the next total. The sum
// so approaches the limit in steps. Without it, nodes that all see the same headroom would
// pass the limit together.
func (s *Syncer) thin(u *usage, now int64, horizon time.Duration) {
	if u.kind.Long() {
		return
	}
	limits, remote, own := u.limits().list(), u.remote.list(), u.own.list()
	f := u.forecast.list()
	size := u.sizes()
	for i, limit := range limits {
		if limit <= 0 || u.peak[i] <= 0 {
			continue
		}
		part := part(s.nodeCount(), own[i], remote[i])
		offered := u.peak[i] * float64(horizon) / max(1-part, 1e-9) // demand of all nodes within horizon
		left := float64(limit-own[i]-remote[i]) - u.rate[i]*float64(horizon)/2
		if left >= unseen*offered {
			continue
		}
		allowed := 0.0
		if left > 0 {
			few := quota(thinned*left*part/size[i], offered*part/size[i])
			allowed = tokens(few, size[i], left, s.draw(u.d.id, now))
		}
		f[i] = max(f[i], limit-remote[i]-own[i]-int64(allowed))
	}
	u.forecast = countFrom(f)
}

// sizes returns the mean counts of a request in the window, at least 1 each.
func (u *usage) sizes() (size [4]float64) {
	n := max(u.total.Requests, 1)
	for i, sum := range u.total.list() {
		size[i] = max(float64(sum)/float64(n), 1)
	}
	return size
}

// quota returns the largest number of requests that a node may admit so that it admits mean
// requests on average, if requests arrive by a Poisson process with the mean offered.
func quota(mean, offered float64) float64 {
	if offered > many {
		return mean // the variation is small
	}
	below, p := 0.0, math.Exp(-offered)
	for k := 0.0; ; k++ {
		below += p
		more := 1 - below // probability that more than k arrive
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

// tokens returns how much of left a quota of requests may use. Draw, from 0 to 1, rounds the
// quota up or down at random. The last request may be larger than the mean, so 0.9 of one
// is added.
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
