package scan

// Classes of bytes. blanks relies on classBlank being even and classNewline
// following it, word on the letters coming first.
const (
	classLower uint8 = iota
	classUpper
	classBlank
	classNewline
	classDigit
	classSymbol
	classHigh // part of a rune beyond ASCII
)

var classes = func() (t [256]uint8) {
	for b := range t {
		switch c := byte(b); {
		case c >= 'a' && c <= 'z':
			t[b] = classLower
		case c >= 'A' && c <= 'Z':
			t[b] = classUpper
		case c >= '0' && c <= '9':
			t[b] = classDigit
		case c == ' ' || c == '\t' || c == '\v' || c == '\f':
			t[b] = classBlank
		case c == '\n' || c == '\r':
			t[b] = classNewline
		case c >= 0x80:
			t[b] = classHigh
		default: // control characters too
			t[b] = classSymbol
		}
	}
	return t
}()

// Symbols that often begin a token together with a word have a class each.
const attaching = `._("-/'$@<#:=*[{` + "`"

const attachments = 1 + len(attaching)

var attachment = func() (t [128]uint8) {
	for i := range len(attaching) {
		t[attaching[i]] = uint8(i + 1)
	}
	return t
}()
