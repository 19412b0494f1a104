package fuzz

// A script hands out the bytes of a fuzz input; behind its end it hands out
// zeroes.
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

// int returns a number below n, which is at most 65536.
func (s *script) int(n int) int {
	if n <= 256 {
		return int(s.byte()) % n
	}
	return (int(s.byte())<<8 | int(s.byte())) % n
}

// of returns one of its arguments.
func of[T any](s *script, choices ...T) T { return choices[s.int(len(choices))] }
