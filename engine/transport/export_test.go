package transport

// For tests: what a header, a text and JSON are read with.
var (
	ValueOf = valueOf
	Special = special
	Valid   = valid
)

// Blank overwrites a credential in an answer.
var Blank = blank
