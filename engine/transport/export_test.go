package transport

// For tests: what a header is read with.
var ValueOf = valueOf

// Blank overwrites a credential in an answer.
var Blank = blank

// FormsOf is formsOf.
var FormsOf = formsOf
