package trace

import "time"

// Level moves the requests so that each part of the trace has the tokens that its length
// has on the mean: the rate no longer wanders from part to part, and bursts inside a
// part stay. The duration stays, give or take a part.
func (t Trace) Level(part time.Duration) {
	sum, whole := int64(0), t.Duration()
	for _, r := range t {
		sum += r.Tokens()
	}
	if sum == 0 || whole == 0 || part <= 0 {
		return
	}
	begin := time.Duration(0)
	for i := 0; i < len(t); {
		from := t[i].Arrival / part * part
		tokens, end := int64(0), i
		for ; end < len(t) && t[end].Arrival < from+part; end++ {
			tokens += t[end].Tokens()
		}
		length := time.Duration(float64(whole) * float64(tokens) / float64(sum))
		for ; i < end; i++ {
			t[i].Arrival = begin + time.Duration(float64(t[i].Arrival-from)/float64(part)*float64(length))
		}
		begin += length
	}
}
