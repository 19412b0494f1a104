package estimate

import "unicode"

// maxEffort bounds what one exact count may take, in steps of the search for
// tokens inside a piece: a piece of n bytes takes up to n². 2^30 steps, a
// piece of 32 KiB, take about a second.
const maxEffort = 1 << 30

// effort bounds, to a factor of two, the steps that counting text exactly takes.
// A piece never goes on from letters to other symbols, to white space or to
// numbers, nor back; marks go with either.
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
