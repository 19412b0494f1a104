package transport

// ValueOf is how a header is read.
var ValueOf = valueOf
