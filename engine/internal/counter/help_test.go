package counter_test

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	minute = int64(time.Minute)
	epoch0 = int64(30_000_000)
)

// script is the input of a fuzz test, read as a list of choices.
type script []byte

func (s *script) more() bool { return len(*s) > 0 }

func (s *script) byte() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

func (s *script) int(n int) int { return int(s.byte()) % n }

func of[T any](s *script, choices ...T) T { return choices[s.int(len(choices))] }

// noise returns n bytes of a seed.
func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint64())
	}
	return b
}

// par runs do on n goroutines at once and waits for them.
func par(n int, do func(k int)) {
	var all sync.WaitGroup
	for k := range n {
		all.Go(func() { do(k) })
	}
	all.Wait()
}
