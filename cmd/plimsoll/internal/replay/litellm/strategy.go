// Package litellm is the routing strategy that plimsoll is measured against:
// LiteLLM's usage-based-routing-v2, with its errors, as one process runs it. It was
// written from the strategy's behaviour; golden vectors of the original test it.
package litellm

import (
	"slices"
	"strings"
	"time"
)

// Deployment is what the strategy knows of a deployment.
type Deployment struct {
	ID string
	// RPM and TPM are limits per minute. An absent one is +Inf; 0 is a limit.
	RPM, TPM float64
}

// Strategy chooses, admits and records. Its counters are of the calendar
// minute of the now that a method is given, which never goes back; a counter of
// an earlier minute is absent. A Strategy is used from one goroutine.
type Strategy struct {
	deployments []Deployment
	// An ID is cut at its first colon before it is looked up. named is the
	// place of the deployment with the ID that is left, or -1; namesake is the
	// last place whose ID is cut to the same: its requests are the ones seen.
	named, namesake []int
	requests        []counter // counted by PreCheck
	unshared        []counter // part of requests that AppendPushes has not reported yet
	tokens          []counter // booked by Record
}

// New returns a strategy for deployments with different IDs.
func New(deployments []Deployment) *Strategy {
	s := &Strategy{
		deployments: deployments,
		requests:    make([]counter, len(deployments)),
		unshared:    make([]counter, len(deployments)),
		tokens:      make([]counter, len(deployments)),
	}
	places, last := map[string]int{}, map[string]int{}
	for i, d := range deployments {
		places[d.ID] = i
		last[cut(d.ID)] = i
	}
	for _, d := range deployments {
		place, ok := places[cut(d.ID)]
		if !ok {
			place = -1
		}
		s.named = append(s.named, place)
		s.namesake = append(s.namesake, last[cut(d.ID)])
	}
	return s
}

// cut returns what is left of an ID.
func cut(id string) string {
	name, _, _ := strings.Cut(id, ":")
	return name
}

// AppendCandidates appends the places among which the strategy draws at random
// for a prompt of that many tokens: the lowest booked tokens, whatever the
// limits, of the deployments where the prompt fits into the TPM limit and,
// where requests were counted in this minute, two more would fit into the RPM
// limit. Places in without are left out. A place that stands twice has two
// chances.
func (s *Strategy) AppendCandidates(dst []int, now time.Time, input int64, without []int) []int {
	none := len(dst)
	var lowest int64
	for i, place := range s.named {
		if place < 0 || slices.Contains(without, i) || slices.Contains(without, place) {
			continue
		}
		d := &s.deployments[place]
		used, _ := s.tokens[i].read(now) // absent is 0
		if float64(used+input) > d.TPM {
			continue
		}
		// Here absent is not 0: it is never compared.
		if n, counted := s.requests[s.namesake[i]].read(now); counted && float64(n+1) >= d.RPM {
			continue
		}
		if len(dst) > none && used > lowest {
			continue
		}
		if used < lowest {
			dst = dst[:none]
		}
		lowest = used
		dst = append(dst, place)
	}
	return dst
}

// PreCheck admits one request on the deployment at that place, by its RPM limit
// alone. A limit once reached refuses without counting; a request that passes
// the limit itself is refused and stays counted.
func (s *Strategy) PreCheck(now time.Time, place int) bool {
	limit := s.deployments[place].RPM
	if n, counted := s.requests[place].read(now); counted && float64(n) >= limit {
		return false
	}
	s.unshared[place].add(now, 1)
	return float64(s.requests[place].add(now, 1)) <= limit
}

// Record books the tokens of a call that ends now. What it adds, it adds to the
// minute of the end, whenever the call began.
func (s *Strategy) Record(now time.Time, place int, tokens int64) {
	s.tokens[place].add(now, tokens)
}

// counter counts within one minute.
type counter struct {
	minute time.Time
	n      int64
}

// read returns the count; ok is false if nothing was added in this minute.
func (c *counter) read(now time.Time) (n int64, ok bool) {
	if !c.minute.Equal(now.Truncate(time.Minute)) {
		return 0, false
	}
	return c.n, true
}

// add adds to the count of this minute and returns it.
func (c *counter) add(now time.Time, n int64) int64 {
	if minute := now.Truncate(time.Minute); !minute.Equal(c.minute) {
		c.minute, c.n = minute, 0
	}
	c.n += n
	return c.n
}
