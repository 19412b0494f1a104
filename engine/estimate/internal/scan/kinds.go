package scan

import "fmt"

// Shapes of a word.
const (
	lower = iota
	capital
	upper
	shapes
)

const (
	lengths       = 14 // words and runs of symbols have a kind for each length up to this one
	indents       = 8
	scriptLengths = 6
	scriptRunes   = scriptLengths     // the number of runes in a row of a script
	scriptKnown   = scriptLengths + 1 // words that are one token
	scriptRow     = scriptLengths + 2
)

// Where the rows of Counts begin.
const (
	words              = 0
	knownWords         = words + befores*shapes*lengths
	digits             = knownWords + befores*shapes*lengths
	excessLetters      = digits + 1
	diacritics         = excessLetters + 1
	marks              = diacritics + aloneKinds
	newline            = marks + 1
	newlineAfterBlank  = newline + 3
	newlineAfterSymbol = newlineAfterBlank + 3
	loneBlank          = newlineAfterSymbol + 3
	indent             = loneBlank + 1
	single             = indent + indents
	attached           = single + 1
	mixedSymbols       = attached + attachments
	sameSymbols        = mixedSymbols + lengths
	excessSymbols      = sameSymbols + lengths
	symbolChanges      = excessSymbols + 1
	alone              = symbolChanges + 1
	aloneOther         = alone + aloneKinds
	scripts            = aloneOther + aloneKinds

	// Kinds is the number of kinds of pieces.
	Kinds = scripts + scriptCount*scriptRow
)

// Name describes the kind of piece with an index of [Counts].
func Name(kind int) string {
	switch {
	case kind < digits:
		known := ""
		if kind >= knownWords {
			known, kind = "known ", kind-knownWords
		}
		n := kind%lengths + 1
		before, shape := kind/lengths/shapes, kind/lengths%shapes
		return fmt.Sprintf("%s%s word of %d after %s", known,
			[...]string{"lower", "capital", "upper"}[shape], n, [...]string{"nothing", "space", "symbol", "digit", "letter"}[before])
	case kind < scripts:
		for i := len(rows) - 1; ; i-- {
			if r := rows[i]; kind >= r.from {
				return fmt.Sprintf("%s %d", r.name, kind-r.from+1)
			}
		}
	}
	k := kind - scripts
	switch n := k % scriptRow; {
	case n < scriptLengths:
		return fmt.Sprintf("%s run of %d", scriptNames[k/scriptRow], n+1)
	case n == scriptKnown:
		return fmt.Sprintf("known %s word", scriptNames[k/scriptRow])
	}
	return fmt.Sprintf("%s runes", scriptNames[k/scriptRow])
}

var rows = []struct {
	from int
	name string
}{
	{digits, "digits by three"},
	{excessLetters, "excess letters"},
	{diacritics, "diacritics by tokens alone, class"},
	{marks, "combining marks"},
	{newline, "newlines"},
	{newlineAfterBlank, "newlines after blank"},
	{newlineAfterSymbol, "newlines after symbol"},
	{loneBlank, "lone blank"},
	{indent, "indent"},
	{single, "single symbol"},
	{attached, "symbol with a word, class"},
	{mixedSymbols, "mixed symbols, one more than"},
	{sameSymbols, "same symbols, one more than"},
	{excessSymbols, "excess symbols"},
	{symbolChanges, "symbol changes"},
	{alone, "Han and Hangul by tokens alone, class"},
	{aloneOther, "other letters by tokens alone, class"},
}
