package window

// Tally is the usage of one deployment in one window.
type Tally struct {
	ID       string // the deployment
	Start    int64  // when the window begins, Unix seconds
	Requests int64
	Tokens   int64
}

// Report is what an engine tells the other nodes about one deployment in one
// window: this node's own usage so far, reservations included. It is
// cumulative: a later Report of the same window replaces an earlier one.
type Report struct {
	Tally
	RequestLimit int64 // requests per window; 0 = unlimited, -1 = a limit of zero
	TokenLimit   int64 // tokens per window; 0 = unlimited, -1 = a limit of zero
}

// Share is what an engine is told about one deployment in one window: the
// usage of all other nodes, and how far this node's own usage may go.
type Share struct {
	Tally                 // what the others used
	CeilingRequests int64 // most requests this node may use; 0 = no ceiling, -1 = a ceiling of zero
	CeilingTokens   int64 // most tokens this node may use; 0 = no ceiling, -1 = a ceiling of zero
}
