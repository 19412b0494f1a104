package lab

import "math"

// draws are random numbers that depend on the seed and on their purpose, and not on the order
// in which they are drawn. So two policies get the same network and the same noise.
type draws uint64

// The purposes of random numbers.
const (
	forRequestWay uint64 = iota + 1
	forAnswerWay
	forFirstToken
	forSpeed
	forEstimate
	forCount
	forSkew
	forPhase
	forHeaderLoss
	forFault
	forTenant
	forNode
	forEngine
	forPolicy
	forClass
	forConversation
)

// at returns 64 random bits (SplitMix64 over the arguments).
func (d draws) at(what, a, b uint64) uint64 {
	x := mix(uint64(d) + 0x9e3779b97f4a7c15*what)
	x = mix(x + 0x9e3779b97f4a7c15*(a+1))
	return mix(x + 0x9e3779b97f4a7c15*(b+1))
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// uniform returns a number above 0 and below 1.
func (d draws) uniform(what, a, b uint64) float64 {
	return (float64(d.at(what, a, b)>>11) + 0.5) / (1 << 53)
}

// exponential returns a number with mean 1.
func (d draws) exponential(what, a, b uint64) float64 { return -math.Log(d.uniform(what, a, b)) }

// normal returns a number with mean 0 and standard deviation 1 (Box-Muller).
func (d draws) normal(what, a, b uint64) float64 {
	u, v := d.uniform(what, a, 2*b), d.uniform(what, a, 2*b+1)
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}
