package wire

// For tests: what a text and a value are passed over with.
var (
	Special = special
	Skip    = skip
)
