// Package scan divides a text, in one pass and without allocating, into the
// kinds of pieces that predict how many tokens it has.
//
// The encodings cl100k and o200k first cut a text into pieces (a word with the
// space before it, up to three digits, a run of symbols, white space) and then
// look for tokens inside each piece alone. Where the cuts are is easy to see;
// what is inside is not, without the vocabulary. So this package finds the
// pieces, near enough, and counts them by kind and length; the estimator gives
// each kind the number of tokens it has on average.
package scan

import (
	"math/bits"
	"unicode/utf8"
)

// What stands right before a word decides which tokens it can be.
const (
	bare    = iota // the start, a newline, a run of symbols, another script
	space          // a space or a tab that belongs to the word
	symbol         // one symbol that belongs to the word
	digit          // a digit: the word begins in the middle of something
	hump           // a letter of another case
	befores        // how many
)

// read finds the pieces of text.
func (t *tally) read(text string) {
	before := bare
	for i := 0; i < len(text); {
		switch b := text[i]; classes[b] {
		case classLower:
			if end := t.plainWords(text, i, before); end > 0 {
				i = end
			} else {
				i = t.word(text, i, before)
			}
			before = bare
		case classUpper:
			i = t.word(text, i, before)
			before = bare
		case classDigit:
			from := i
			for i++; i < len(text) && classes[text[i]] == classDigit; i++ {
			}
			t.add(digits, (i-from+2)/3)
			before = digit
		case classBlank, classNewline:
			if classes[b] == classBlank && i+1 < len(text) && classes[text[i+1]] <= classUpper {
				if end := t.plainWords(text, i+1, space); end > 0 {
					i, before = end, bare
					continue
				}
				i, before = i+1, space // as blanks would find, but sooner
				continue
			}
			i, before = t.blanks(text, i)
		case classSymbol:
			i, before = t.symbols(text, i, before)
		default:
			i = t.foreign(text, i, before)
			before = bare
		}
	}
}

// plainWords counts the words at text[i:] and returns where the last one ends, if they have
// small letters, nothing that belongs to them behind them, and one blank between them: the
// most frequent pieces by far, which it finds eight bytes at once. It returns 0 if there is
// none, as at the end of a text.
func (t *tally) plainWords(text string, i, before int) (end int) {
	known, row, spaced := t.known, words+(before*shapes+lower)*lengths, before == space
	for i+8 <= len(text) {
		head := eight(text[i:])
		n := smallLetters(head)
		if n-1 < 7 {
			next := i + int(n)
			if c := classes[text[next]]; c <= classUpper || c == classHigh {
				return end
			}
			at := slot(firstBytes(head, n), 0, n, spaced)
			t.one(row + known.has(at)*(knownWords-words) + int(n) - 1)
			end = next
		} else if next := t.longWord(text, i, int(n), row, spaced); next > 0 {
			end = next
		} else {
			return end
		}
		if text[end] != ' ' {
			return end
		}
		i, row, spaced = end+1, words+(space*shapes+lower)*lengths, true
	}
	return end
}

// longWord goes on behind the first n letters of a plain word, 0 or 8.
func (t *tally) longWord(text string, i, n, row int, spaced bool) int {
	for more := n; more == 8; n += more {
		if i+n+8 > len(text) {
			return 0
		}
		more = int(smallLetters(eight(text[i+n:])))
	}
	if c := classes[text[i+n]]; n == 0 || c <= classUpper || c == classHigh {
		return 0
	}
	at := slot(eight(text[i:]), eight(text[i+n-8:]), uint(n), spaced)
	t.length(row+t.known.has(at)*(knownWords-words), n, excessLetters)
	return i + n
}

// smallLetters returns how many of eight bytes at their beginning are from a to z.
func smallLetters(eight uint64) uint {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	low := eight &^ highs
	small := (low + (0x80-'a')*ones) &^ (low + (0x80-'z'-1)*ones) &^ eight & highs
	return uint(bits.TrailingZeros64(^small&highs)) / 8
}

// word counts the word at text[i:], which begins with a Latin letter, and returns its
// end. A word is cut where its case changes: camelCase is camel and Case, HTTPServer is
// HTTP and Server. Latin letters with diacritics belong to the word, as do combining marks.
func (t *tally) word(text string, i, before int) int {
	for {
		from, letters, shape := i, 0, lower
		var beyond runeClasses
		if classes[text[i]] == classUpper {
			shape = capital
			for i++; i < len(text) && classes[text[i]] == classUpper; i++ {
			}
			letters = i - from
			switch small := i < len(text) && classes[text[i]] == classLower; {
			case letters > 1 && small:
				shape = upper
				i--
				letters--
			case letters > 1 || !small && (i == len(text) || !inWord(text, i)):
				shape = upper
			}
		}
		if shape != upper {
			for {
				start := i
				for i+8 <= len(text) {
					n := smallLetters(eight(text[i:]))
					if i += int(n); n < 8 {
						break
					}
				}
				for i < len(text) && classes[text[i]] == classLower {
					i++
				}
				letters += i - start
				if i == len(text) || text[i] < utf8.RuneSelf || letters > longestRun {
					break
				}
				r, size, s := scriptAt(text, i)
				if s < latin {
					break // of another script
				}
				if s == mark {
					t.add(marks, 1)
				} else {
					beyond.note(r)
					letters++
				}
				i += size
			}
		}
		row := words + (before*shapes+shape)*lengths
		known := t.known.has(place(text, from, i, before == space))
		row += known * (knownWords - words)
		if beyond != 0 && known == 0 {
			t.classes(diacritics, beyond)
		}
		t.length(row, letters, excessLetters)
		if i == len(text) || classes[text[i]] > classUpper {
			return i
		}
		before = hump
	}
}

// length counts a piece of n letters in the row that begins at index row, and
// what it has beyond the longest length of a row in excess.
func (t *tally) length(row, n, excess int) {
	if n > lengths {
		t.add(excess, n-lengths)
		n = lengths
	}
	t.add(row+n-1, 1)
}

// blanks counts the white space at text[i:]. It returns its end and what the
// next piece finds before itself.
func (t *tally) blanks(text string, i int) (end, before int) {
	from, newlineEnd, newlines := i, i, 0
	for ; i < len(text) && classes[text[i]]&^1 == classBlank; i++ {
		if classes[text[i]] == classNewline {
			newlineEnd = i + 1
			newlines++
		}
	}
	if newlines > 0 {
		row := newline
		switch {
		case classes[text[from]] == classBlank:
			row = newlineAfterBlank
		case from > 0 && classes[text[from-1]] == classSymbol:
			row = newlineAfterSymbol
		}
		t.add(row+min(newlines, 3)-1, 1)
	}
	n := i - newlineEnd // what is left is on one line
	if n == 0 {
		return i, bare
	}
	// The last blank belongs to what follows or stands alone; what is before it
	// is a piece of its own, like all of them at the end.
	before = space
	if i == len(text) {
		before = bare
		n++
	} else if next := classes[text[i]]; next == classDigit || next == classSymbol && text[i-1] != ' ' {
		t.add(loneBlank, 1)
		before = bare
	}
	if n--; n > 0 {
		t.add(indent+min(n, indents)-1, 1)
	}
	return i, before
}

// symbols counts the run of ASCII symbols at text[i:]. It returns its end and
// what the next piece finds before itself.
func (t *tally) symbols(text string, i, before int) (end, after int) {
	from, changes := i, 0
	for i++; i < len(text) && classes[text[i]] == classSymbol; i++ {
		if text[i] != text[i-1] {
			changes++
		}
	}
	n := i - from
	if n == 1 {
		if before != space && i < len(text) && (classes[text[i]] <= classUpper || classes[text[i]] == classHigh) {
			t.add(attached+int(attachment[text[from]]), 1)
			return i, symbol
		}
		t.add(single, 1)
		return i, bare
	}
	row := mixedSymbols
	if changes == 0 {
		row = sameSymbols
	}
	t.length(row, min(n, lengths)-1, 0)
	if n > lengths {
		t.add(excessSymbols, n-lengths)
	}
	t.add(symbolChanges, changes)
	return i, bare
}

// foreign counts the run of one script at text[i:] and returns its end.
func (t *tally) foreign(text string, i, before int) int {
	r, size, s := scriptAt(text, i)
	switch s {
	case latin:
		return t.word(text, i, before)
	case mark:
		t.add(marks, 1)
		return i + size
	}
	n, from, top := 0, i, r
	var beyond runeClasses
	for {
		if s == han || s == hangul {
			beyond.note(r)
		}
		top = max(top, r)
		n++
		i += size
		if i == len(text) || text[i] < utf8.RuneSelf || n == longestRun {
			break
		}
		var next int
		if r, size, next = scriptAt(text, i); next == mark && s < spaced {
			top = utf8.MaxRune
		} else if next != s {
			break
		}
	}
	row := scripts + s*scriptRow
	switch {
	case s < spaced && t.known.has(place(text, from, i, before == space)) == 1:
		t.one(row + scriptKnown)
		return i
	case s < plain && top > common[s]:
		t.letters(text[from:i])
	case beyond != 0:
		t.classes(alone, beyond)
	}
	t.add(row+min(n, scriptLengths)-1, 1)
	t.add(row+scriptRunes, n)
	return i
}

// letters counts the letters of a run by the tokens that each has alone, and the marks.
func (t *tally) letters(run string) {
	var beyond runeClasses
	for i := 0; i < len(run); {
		r, size, s := scriptAt(run, i)
		if s == mark {
			t.one(marks)
		} else {
			beyond.note(r)
		}
		i += size
	}
	t.classes(aloneOther, beyond)
}
