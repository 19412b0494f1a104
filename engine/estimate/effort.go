package estimate

import "unicode"

// maxEffort bounds the steps of one exact count in the search for
// tokens inside a piece. A piece of n bytes takes up to n² steps. 2^30 steps, those of a
// piece of 32 KiB, take about a second.
const maxEffort = 1 << 30

// effort returns an upper bound of the steps of an exact count, to a factor of two.
// A piece does not contain two of letters, other symbols, white space and
// numbers; marks may be in any piece.
func effort(text string) int64 {
	const (
		other = iota
		letter
		blank
		number
	)
	var sum int64
	from, class := 0, -1
	for i, r := range text {
		next := class
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			next = letter
		case r == ' ' || r == '\n':
			next = blank
		case r < 0x80:
			next = other
			if r >= '0' && r <= '9' {
				next = number
			} else if r >= '\t' && r <= '\r' {
				next = blank
			}
		case unicode.IsLetter(r):
			next = letter
		case unicode.IsMark(r):
		case unicode.IsNumber(r):
			next = number
		case unicode.IsSpace(r):
			next = blank
		default:
			next = other
		}
		if next != class || next == number {
			sum += int64(i-from) * int64(i-from)
			from, class = i, next
		}
	}
	return sum + int64(len(text)-from)*int64(len(text)-from)
}
