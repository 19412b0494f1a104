// Package wire reads JSON texts and server-sent events in place: it returns parts
// of the text that it is given, and copies nothing unless it says so.
//
// # JSON
//
// [Valid] accepts exactly what [encoding/json.Valid] accepts. [Parse] validates a
// text once and lists the members of its object that are asked for, each of which may
// stand once; [Object.With] replaces values and leaves every other byte as it was.
// [Members], [Elements] and [Unquote] take text that is valid; of other text they
// return nothing or parts of it, never panic, and end. For [Get] and a Finder the last
// of two members with one name counts, as for encoding/json, and names match in the
// case in which they are written. Values may be nested 10,000 deep. Work is linear in the size of the text for each pass.
//
// A [Finder] keeps chosen members of an object that passes by in pieces of any size,
// and holds no more than [MaxValue] bytes of each. Names that are written with
// escapes are not found.
//
// # Events
//
// A [Splitter] finds where events end in a buffer to which text is appended, and
// [Fields] returns the name and the data of one event. Lines may end in LF, CRLF or
// CR, and a pair may be split between two pieces
// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
//
// # Concurrency
//
// Functions are safe for concurrent use as long as the text is not written to. A
// Finder and a Splitter belong to one goroutine at a time.
package wire
