// Package provider simulates the providers of a replay. Their deployments take
// time to answer and enforce their own limits.
package provider

import (
	"fmt"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/replay/trace"
	"github.com/plimsoll-dev/plimsoll/fuzz/rule"
)

// Deployment is one deployment as its provider runs it.
type Deployment struct {
	ID             string
	Label          string        // what reports call it; "" = ID
	RPM, TPM       int64         // limits: requests and tokens per minute; 0 = none, [engine.Blocked] = nothing is allowed
	PerOutputToken time.Duration // time it takes to write one token of an answer
	Kind           *Kind         // how its provider judges, as far as policies may know; nil = nothing is known
	// Other are limits of other kinds; RPM and TPM of it are not looked at.
	Other rule.Limits
}

// AssumedRPM is what a deployment without any limit per minute is taken to serve,
// where load is a share of what deployments allow.
const AssumedRPM = 60

// Capacity returns how many tokens a minute the deployment's limits allow, for
// calls of a mean size: by TPM, else by the limits on input and output, else by
// RPM, else by AssumedRPM. A blocked deployment allows none.
func (d Deployment) Capacity(meanTokens float64) float64 {
	l := d.limits()
	requests := float64(AssumedRPM)
	switch {
	case l.Blocked():
		return 0
	case l.TPM > 0:
		return float64(l.TPM)
	case l.InputTPM > 0 || l.OutputTPM > 0:
		return float64(l.InputTPM + l.OutputTPM)
	case l.RPM > 0:
		requests = float64(l.RPM)
	}
	return requests * meanTokens
}

// RefusalTime is how long a provider takes to refuse a call.
const RefusalTime = 50 * time.Millisecond

// readSpeed is how many input tokens a deployment reads in a second, before
// the first token of the answer.
const readSpeed = 8000

// FirstToken returns how long the deployment takes to the first output token of
// a call it admits: 0.25 s, and 1 s per 8000 input tokens.
func FirstToken(r trace.Request) time.Duration {
	return 250*time.Millisecond + time.Duration(r.Input)*time.Second/readSpeed
}

// CallTime returns how long the deployment takes for a call it admits: to the
// first output token, and PerOutputToken for each.
func (d Deployment) CallTime(r trace.Request) time.Duration {
	return FirstToken(r) + time.Duration(r.Output)*d.PerOutputToken
}

// PoolNames are the pools that [Pool] knows.
var PoolNames = []string{"standard", "rpm-bound"}

// Pool returns the ten unequal deployments of that name, 1.3 M TPM in all.
// standard: 30k to 300k TPM, 6 RPM per 1k TPM, 12 to 30 ms per output token.
// rpm-bound: the same, but every second deployment has a tenth of the RPM.
func Pool(name string) ([]Deployment, error) {
	if name != "standard" && name != "rpm-bound" {
		return nil, fmt.Errorf("unknown pool %q; use one of %s", name, strings.Join(PoolNames, ", "))
	}
	sizes := [...]int64{30, 40, 60, 80, 100, 120, 150, 180, 240, 300} // 1000 TPM
	speeds := [...]int64{12, 26, 20, 14, 28, 22, 16, 30, 24, 18}      // ms per token; unrelated to size
	pool := make([]Deployment, len(sizes))
	for i, size := range sizes {
		pool[i] = Deployment{
			ID:             fmt.Sprintf("dep-%dk", size),
			TPM:            1000 * size,
			RPM:            6 * size,
			PerOutputToken: time.Duration(speeds[i]) * time.Millisecond,
		}
		if name == "rpm-bound" && i%2 == 1 {
			pool[i].RPM /= 10
		}
	}
	return pool, nil
}

// TPM returns the sum of the deployments' token limits, in tokens per minute.
// Those without a limit add nothing.
func TPM(pool []Deployment) int64 {
	var sum int64
	for _, d := range pool {
		sum += max(0, d.TPM)
	}
	return sum
}

// limits returns the deployment's limits as its provider has them.
func (d Deployment) limits() rule.Limits {
	l := d.Other
	l.RPM, l.TPM = d.RPM, d.TPM
	return l
}

// Pooled returns one deployment with the limits of all of them together, which
// answers as fast as they do on average. It has no limit of a kind if one of
// them has none.
func Pooled(pool []Deployment) Deployment {
	all := Deployment{ID: "pool"}
	noRPM, noTPM, perToken := false, false, time.Duration(0)
	for _, d := range pool {
		all.RPM += max(0, d.RPM)
		all.TPM += max(0, d.TPM)
		noRPM, noTPM = noRPM || d.RPM == 0, noTPM || d.TPM == 0
		perToken += d.PerOutputToken
	}
	if n := len(pool); n > 0 {
		all.PerOutputToken = perToken / time.Duration(n)
	}
	all.RPM, all.TPM = pooledLimit(all.RPM, noRPM), pooledLimit(all.TPM, noTPM)
	return all
}

func pooledLimit(sum int64, none bool) int64 {
	switch {
	case none:
		return 0
	case sum == 0:
		return -1
	}
	return sum
}
