// Package counter holds the counters of a deployment, which stay where they are for
// as long as the deployment lives.
//
// Every counter of windows has two halves, one for even and one for odd windows:
// the current window's and the previous one's. The half of a window two behind is
// folded and opened for the next window, by one caller at a time, before that
// window is published.
//
// # Words and windows (protocol 1)
//
// A half is words and, beside them, the full number of the window that they are of
// (Win). Writers of a word: any request. Writers of Win: the owner, under its mutex.
//
// Every change of a word loads the word, then loads Win and compares it with the
// window that it wants to count in, then swaps the word. Open first stores a Win of
// no window, closes the caps, swaps each word for one with another generation, sets
// the caps and stores Win last. A caller that loaded a word of the old window
// therefore fails to swap, and a caller that loads a word of the new one before Win
// is stored finds a window that is not its own: [Moved].
//
// If the word were loaded after Win, a count could land in the wrong window. If Open
// stored Win first, a caller that knows the new window already could count in the
// old word. TestEveryInterleaving of this package plays all orders.
//
// The engine's code refers to three more protocols by number.
//
// # Turn (protocol 2)
//
// Writer: the caller that turns a group, under the group's mutex. Order: it renews the
// blocks of the new minute's parity, opens the halves of every deployment, stores the
// minute, and last stores when to look again. A reader loads that time, then the minute,
// then the view. A reader that meets a turn counts in the minute before, whose halves
// the turn leaves open.
//
// # Blocks and refusals (protocol 3)
//
// A block's seq is a seqlock's counter. A search sets watched, loads seq, looks at the
// pairs, and refuses only if the sum of all seqs is unchanged afterwards. A bound or a
// remembered room is stored for the seq that was loaded before the look. Renewing a
// block moves seq first and clears the bound second.
//
// # Attempts that are undone (protocol 4)
//
// An attempt that fails gives its tokens back, then moves seq and lowers the bound, and
// ends last. A search that saw its tokens therefore finds the attempt half way, or finds
// that seq has moved.
package counter

// Outcome is how a step of an admission ended.
type Outcome uint8

const (
	Refused Outcome = iota // at the cap; nothing was changed
	Taken                  // counted
	Moved                  // the window has passed; nothing was changed
)

const (
	// Max is where a count of tokens saturates, and the cap that means no limit.
	Max = int64(1) << 43
	// MaxRequests is that for requests.
	MaxRequests = int64(1) << 35
)

// Caps that admit nothing, whatever the cost.
const (
	Cooling  = int64(-1) // the deployment is cooling down
	Disabled = int64(-2) // it is switched off, or removed
)
