package replay

import "time"

// meter counts what a deployment is made to work by the UTC minute, input
// tokens when its provider takes a call and output tokens when the call ends,
// and how much of that is above the deployment's TPM limit.
type meter struct {
	limit   int64 // as of [provider.Deployment]
	minute  time.Time
	used    int64 // in this minute
	overrun int64 // in all minutes
}

func (m *meter) add(now time.Time, tokens int64) {
	if minute := now.Truncate(time.Minute); !minute.Equal(m.minute) {
		m.minute, m.used = minute, 0
	}
	before := m.above()
	m.used += tokens
	m.overrun += m.above() - before
}

// above returns how far this minute stands above the limit.
func (m *meter) above() int64 {
	if m.limit == 0 {
		return 0
	}
	return max(0, m.used-max(0, m.limit))
}
