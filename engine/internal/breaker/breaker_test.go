package breaker

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// model is the breaker without named states: two deadlines and a flag.
type model struct {
	cool, half      int64 // until when it cools down and is half-open; 0 = it is not
	since, span     int64 // of being half-open
	proves          bool  // one request goes first after the cooldown
	tripped, length int64
	failures        int
	failedAt        int64
	probed          bool // that request was admitted
	rate            float64
	rateAt          int64 // when the rate next falls to half; 0 = it is 0
	cause           provider.Kind
	policy          Policy
}

func (m *model) advance(now int64) {
	for m.rateAt != 0 && m.rateAt <= now {
		m.rateAt += int64(10 * time.Second)
		m.setRate(m.rate / 2)
	}
	if m.cool != 0 && m.cool <= now {
		if m.proves {
			m.since, m.span = m.cool, min(max(m.length, int64(time.Second)), int64(10*time.Second))
			m.half, m.probed, m.proves = m.since+m.span, false, false
		}
		m.cool = 0
	}
	for m.half != 0 && m.half <= now {
		if m.half += m.span; m.probed {
			m.half, m.cause = 0, provider.Fine
		}
	}
}

func (m *model) setRate(r float64) {
	if m.rate = r; r < 1.0/64 {
		m.rate, m.rateAt = 0, 0
	}
}

func (m *model) fails(now int64, by float64) {
	if m.rateAt == 0 {
		m.rateAt = now + int64(10*time.Second)
	}
	m.rate += (1 - m.rate) * by
}

func (m *model) trip(now int64, d time.Duration, cause provider.Kind) {
	if until := now + int64(d); until > m.cool {
		m.cool, m.half, m.proves = until, 0, true
		m.tripped, m.length, m.cause = now, int64(d), cause
		m.failedAt = max(m.failedAt, until)
	}
}

func (m *model) pause(now int64, d time.Duration) {
	if until := now + int64(d); until > m.cool {
		m.proves = m.proves || m.half != 0 // it has still to prove itself
		m.cool, m.half, m.cause = until, 0, provider.Fine
	}
}

func (m *model) doubt(now int64) {
	if m.cool != 0 {
		m.proves = true
		return
	}
	m.since, m.span, m.probed = now, int64(10*time.Second), false
	m.half = m.since + m.span
}

func (m *model) succeed(sent int64) (early bool) {
	if m.cool != 0 || m.half != 0 && sent < m.since || m.tripped != 0 && sent <= m.tripped {
		return true
	}
	m.half, m.failures, m.cause = 0, 0, provider.Fine
	return false
}

func (m *model) answer(a Answer, now int64) {
	switch a.Kind {
	case provider.Fine, provider.TooLarge, provider.Rejected:
		if early := m.succeed(a.Sent); !early && a.Kind == provider.Fine {
			m.setRate(m.rate * 7 / 8)
		}
		return
	case provider.Overloaded, provider.Other:
		if a.Weak {
			m.fails(now, 1.0/8)
			return
		}
		m.fails(now, 1.0/4)
	case provider.NoMoney:
		m.fails(now, 1.0/4)
	case provider.RateLimit:
	}
	known := m.tripped != 0 && a.Sent <= m.tripped
	if !known {
		for ; m.failures > 0 && now-m.failedAt >= int64(time.Minute); m.failures-- {
			m.failedAt += int64(time.Minute)
		}
		m.failures++
		m.failedAt = max(m.failedAt, now)
	}
	least := map[provider.Kind]int{provider.Overloaded: max(m.policy.Failures, 1), provider.Other: m.policy.Failures}[a.Kind]
	if a.Kind == provider.Other && least == 0 {
		least = 2
	}
	guess := m.policy.Cooldown
	if guess == 0 {
		guess = time.Second
		for i := 1; i < m.failures && guess < 30*time.Second; i++ {
			guess *= 2
		}
		guess = min(guess, 30*time.Second)
	}
	switch {
	case a.Wait > 0:
		m.trip(now, a.Wait, a.Kind)
	case known:
	case a.Kind == provider.NoMoney && a.Spare:
		m.trip(now, 10*time.Minute, a.Kind)
	case a.Kind == provider.NoMoney:
		m.trip(now, time.Minute, a.Kind)
	case a.Spare && (m.half != 0 || m.failures >= least):
		m.trip(now, guess, a.Kind)
	}
}

// state returns the name that the two deadlines and the flag amount to.
func (m *model) state() State {
	switch {
	case m.cool != 0 && m.proves:
		return Open
	case m.cool != 0:
		return Paused
	case m.half != 0:
		return HalfOpen
	}
	return Closed
}

// TestAgainstTheModel plays random events to a breaker and to the model. Every pair of
// states and events is met, and none but those pairs of states that the table names.
func TestAgainstTheModel(t *testing.T) {
	met := [states][events]int{}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 12))
		b, now := Breaker{}, int64(1_000_000)*int64(time.Second)
		m := model{policy: Policy{Failures: r.IntN(4), Cooldown: time.Duration(r.IntN(2)*r.IntN(20)) * time.Second}}
		for step := range 500 {
			now += int64(r.IntN(4_000)) * int64(time.Millisecond) * int64(1+60*(r.IntN(20)/19))
			from := m.state()
			due := m.cool != 0 && m.cool <= now || m.half != 0 && m.half <= now
			if due {
				met[from][elapsed]++
				if !m.probed {
					met[from][unproved]++
				}
			}
			deadline := b.Deadline()
			require.Equal(t, deadline != 0 && deadline <= now, due || m.rateAt != 0 && m.rateAt <= now, "deadline, seed %d step %d", seed, step)
			b.Advance(now, m.probed)
			m.advance(now)
			from = m.state()
			sent := now - int64(r.IntN(5_000))*int64(time.Millisecond)
			kinds := []provider.Kind{provider.Fine, provider.RateLimit, provider.Overloaded, provider.NoMoney, provider.TooLarge, provider.Other, provider.Rejected}
			a := Answer{Kind: kinds[r.IntN(len(kinds))], Weak: r.IntN(4) == 0, Sent: sent, Spare: r.IntN(3) != 0}
			if a.Kind != provider.Fine && r.IntN(3) == 0 {
				a.Wait = time.Duration(1+r.IntN(20_000)) * time.Millisecond
			}
			d := time.Duration(r.IntN(20_000)) * time.Millisecond
			cool := b.Cooling()
			switch r.IntN(8) {
			case 0:
				met[from][succeed]++
				b.Succeed(sent)
				m.succeed(sent)
			case 1:
				met[from][pause]++
				require.Equal(t, !cool && d > 0, b.Pause(now+int64(d)) && d > 0)
				m.pause(now, d)
			case 2:
				met[from][doubt]++
				b.Doubt(now)
				m.doubt(now)
			case 3:
				if r.IntN(4) == 0 {
					met[from][reset]++
					b.Reset()
					m.cool, m.half, m.proves, m.tripped, m.failures, m.cause = 0, 0, false, 0, 0, provider.Fine
				}
			case 4:
				if m.half != 0 {
					m.probed = true
				}
			case 5:
				met[from][trip]++
				if d > 0 {
					b.Trip(now, d, provider.Fine)
					m.trip(now, d, provider.Fine)
				}
			default:
				e := b.Answer(m.policy, a, now)
				m.answer(a, now)
				require.Equal(t, e.Began, !cool && b.Cooling(), "began, seed %d step %d: %+v", seed, step, a)
			}
			require.Equal(t, m.state(), b.state, "seed %d step %d: %+v", seed, step, a)
			require.Equal(t, max(m.cool, m.half), b.Until(), "seed %d step %d: %+v", seed, step, a)
			require.Equal(t, m.failures, b.failures, "seed %d step %d: %+v", seed, step, a)
			require.Equal(t, m.cause, b.Cause(), "seed %d step %d: %+v", seed, step, a)
			require.InDelta(t, m.rate, float64(b.Rate())/RateUnit, 1e-5, "seed %d step %d: %+v", seed, step, a)
		}
	}
	for s := range State(states) {
		for e := range event(events) {
			if s != Closed || e > unproved { // a closed breaker has no deadline
				require.NotZero(t, met[s][e], "%v never met event %d", s, e)
			}
		}
	}
}

// TestNothingShortensACooldown: neither a refusal nor an operator does.
func TestNothingShortensACooldown(t *testing.T) {
	const now = int64(time.Hour)
	for _, begin := range []func(*Breaker){
		func(b *Breaker) { b.Trip(now, time.Minute, provider.RateLimit) },
		func(b *Breaker) { b.Pause(now + int64(time.Minute)) },
	} {
		var b Breaker
		begin(&b)
		was := b
		changed, began := b.Trip(now, time.Second, provider.RateLimit)
		require.False(t, changed || began)
		require.False(t, b.Pause(now+int64(time.Second)))
		require.Equal(t, was, b)
	}
}

// TestACooldownOfThePastIsNone: another node's may be over when it arrives.
func TestACooldownOfThePastIsNone(t *testing.T) {
	var b Breaker
	changed, began := b.Trip(int64(time.Hour), -time.Second, provider.Fine)
	require.False(t, changed || began)
	require.Equal(t, Breaker{}, b)
}
