// Package counter has the counters of a deployment, which keep their place in memory for
// as long as the deployment lives. It also decides whether a demand fits: an admission is a
// Take ([Pair.TakeTokens], [Pair.TakeRequest], [Limit.Take], [Bucket.Take]) that compares
// used + cost with the cap and swaps the word in one step.
//
// Every counter of windows has two halves, one for even and one for odd windows:
// the current window's and the previous one's. The half of a window two behind is
// folded and opened for the next window, by one caller at a time, before that
// window is published.
//
// # Words and windows (protocol 1)
//
// A half has one or two words and, beside them, win: the full number of their window.
// Writers of a word: any request. Writers of win: the owner, under its mutex. The word of a
// limit that follows the clock has the number of its window itself; win is not read then.
//
// A request that changes a word loads the word, then loads win and compares it with the
// window that it wants to count in, then swaps the word. Open first stores a win of
// no window, swaps each word for one with another generation, sets the caps and
// stores win last. A caller that loaded a word of the old window
// therefore fails to swap, and a caller that loads a word of the new one before win
// is stored finds a window that is not its own: [Moved].
//
// If the word were loaded after win, a count could land in the wrong window. If Open
// stored win first, a caller that knows the new window already could count in the
// old word. TestModel and TestDrop of package model play all orders.
//
// docs/CORE.md has this protocol and all others of the engine, to which code refers by
// number, with what breaks if an order is swapped and the tests that show it.
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
