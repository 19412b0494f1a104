package wire

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special returns the index from i of the first byte that does not simply go on
// with a text: a quote, a backslash or a control character; len(text) if there is
// none. It looks at eight bytes at once.
func special(text []byte, i int) int {
	for ; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		// In each byte the highest bit, if it is zero, or below a space. What a borrow
		// sets falsely lies above one that is true.
		found := (quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x
		if found &= highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(text); i++ {
		if c := text[i]; c == '"' || c == '\\' || c < ' ' {
			break
		}
	}
	return i
}

// maxDepth is how deep values may lie in values, as for encoding/json.
const maxDepth = 10_000

// Valid reports whether a text is one JSON value, as [json.Valid] does, which takes
// a state for each byte.
func Valid(text []byte) bool { return validate(text, nil) }

// validate is Valid. It reports to top each member of the outermost object, if that is
// one, as soon as its value has ended: where its name begins and where its value lies.
func validate(text []byte, top func(start, from, to int)) bool {
	var few [64]byte
	open := few[:0] // the brackets that the value lies in
	start, from := 0, 0
	i := space(text, 0)
	for {
		if i == len(text) {
			return false
		}
		switch c := text[i]; c {
		case '{', '[':
			if len(open) == maxDepth {
				return false
			}
			open = append(open, c)
			i = space(text, i+1)
			if i < len(text) && text[i] == c+2 { // its other bracket
				i++
				open = open[:len(open)-1]
				break
			}
			if c == '{' {
				at := i
				if i = validName(text, i); i < 0 {
					return false
				}
				if len(open) == 1 {
					start, from = at, i
				}
			}
			continue
		case '"':
			i = validText(text, i)
		case 't':
			i = validWord(text, i, "true")
		case 'f':
			i = validWord(text, i, "false")
		case 'n':
			i = validWord(text, i, "null")
		default:
			i = validNumber(text, i)
		}
		if i < 0 {
			return false
		}
		for { // behind a value
			if len(open) == 1 && open[0] == '{' && top != nil {
				top(start, from, i)
			}
			i = space(text, i)
			if len(open) == 0 {
				return i == len(text)
			}
			if i == len(text) {
				return false
			}
			in := open[len(open)-1]
			if text[i] == in+2 {
				i++
				open = open[:len(open)-1]
				continue
			}
			if text[i] != ',' {
				return false
			}
			i = space(text, i+1)
			if in == '{' {
				at := i
				if i = validName(text, i); i < 0 {
					return false
				}
				if len(open) == 1 {
					start, from = at, i
				}
			}
			break
		}
	}
}

// validName returns the index of the value of a member that begins at i, below 0
// if there is none.
func validName(text []byte, i int) int {
	if i == len(text) || text[i] != '"' {
		return -1
	}
	if i = validText(text, i); i < 0 {
		return -1
	}
	if i = space(text, i); i == len(text) || text[i] != ':' {
		return -1
	}
	return space(text, i+1)
}

// validText returns the index behind the text whose quote is at i.
func validText(text []byte, i int) int {
	for i++; ; {
		if i = special(text, i); i == len(text) {
			return -1
		}
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
		default:
			return -1
		}
		if i++; i == len(text) {
			return -1
		}
		switch text[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i++
		case 'u':
			if i++; i+4 > len(text) {
				return -1
			}
			for end := i + 4; i < end; i++ {
				if c := text[i] | ' '; (c < '0' || c > '9' || text[i] != c) && (c < 'a' || c > 'f') {
					return -1
				}
			}
		default:
			return -1
		}
	}
}

func validWord(text []byte, i int, word string) int {
	if len(text)-i < len(word) || string(text[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// validNumber returns the index behind the number that begins at i.
func validNumber(text []byte, i int) int {
	if text[i] == '-' {
		i++
	}
	switch first := digits(text, i); {
	case first == i:
		return -1
	case text[i] == '0':
		i++
	default:
		i = first
	}
	if i < len(text) && text[i] == '.' {
		end := digits(text, i+1)
		if end == i+1 {
			return -1
		}
		i = end
	}
	if i < len(text) && text[i]|' ' == 'e' {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		end := digits(text, i)
		if end == i {
			return -1
		}
		i = end
	}
	return i
}

// digits returns the index behind the digits from i.
func digits(text []byte, i int) int {
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	return i
}
