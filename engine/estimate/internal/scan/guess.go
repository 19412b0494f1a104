package scan

// Guess returns the tokens of a piece of the given kind by the rules of the
// encodings. A fit starts from it and keeps it where it has no examples.
func Guess(kind int) float64 {
	switch {
	case kind >= knownWords && kind < digits:
		return 1
	case kind < knownWords:
		n := float64(kind%lengths + 1)
		before, shape := kind/lengths/shapes, kind/lengths%shapes
		switch {
		case shape == upper:
			return 1 + 0.35*max(0, n-2)
		case before == space:
			return 1 + 0.12*max(0, n-5)
		}
		return 1 + 0.2*max(0, n-3)
	case kind == excessLetters:
		return 0.3
	case kind >= diacritics && kind < marks:
		return 0.4
	case kind == marks:
		return 1
	case kind >= newlineAfterSymbol && kind < loneBlank, kind >= attached && kind < mixedSymbols:
		return 0.3
	case kind >= mixedSymbols && kind < sameSymbols:
		return 1 + 0.3*float64(kind-mixedSymbols)
	case kind >= sameSymbols && kind < excessSymbols:
		return 1 + 0.05*float64(kind-sameSymbols)
	case kind == excessSymbols:
		return 0.2
	case kind == symbolChanges:
		return 0.05
	case kind >= alone && kind < scripts:
		return 0.3
	case kind < scripts:
		return 1
	}
	k := kind - scripts
	if k%scriptRow == scriptKnown {
		return 1
	}
	if k%scriptRow == scriptRunes {
		switch k / scriptRow {
		case hanRare, emoji, flag, emojiTone, emojiJoiner, otherHigh:
			return 2
		case greek, cyrillic, hebrew, arabic, devanagari:
			return 0.6
		}
		return 0.9
	}
	return 0.3
}
