package syncer

import (
	"context"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Source is what is kept in step with the other nodes: an engine.
type Source interface {
	// Collect appends this node's own usage to dst, cumulative per deployment and window. A
	// window is reported while it is the current or the previous one, and once more when it
	// ended after its last report.
	Collect(dst []window.Report) []window.Report
	// Absorb applies what the other nodes used and how far this one may go.
	Absorb(shares []window.Share)
}

// A Lister is a source that can say which deployments it has before anyone asks for them: an
// engine. Its syncer closes them until the first exchange returns what the other nodes have
// used.
type Lister interface {
	// List appends a report of the current minute for every deployment, and of the
	// current day for those with limits per day: IDs, windows and limits.
	List(dst []window.Report) []window.Report
}

// A Reserver is a source that admits nothing under limits that are not
// [window.Report.Loose] in a window that no share has named: an engine. [Escrow] needs one.
type Reserver interface {
	Lister
	// Short returns a channel that receives when a ceiling, and no limit, has refused a
	// demand or has it wait.
	Short() <-chan struct{}
	// GrantWithin says for how long a request may wait for a grant; 0 = none comes.
	GrantWithin(d time.Duration)
	// Want appends what ceilings have refused since the last call, and what waits.
	Want(dst []window.Want) []window.Want
}

// Store keeps the totals that the nodes share, of each count of each deployment in each
// window, until the window's last changes can have arrived. Exchange is safe for concurrent
// use with different buckets; the syncer has one batch of a bucket under way at a time.
type Store interface {
	// Bucket returns which batch a deployment travels in: the same one always,
	// from 0 up. A limit that its provider has reported ([window.LimitID]) travels in the
	// deployment's.
	Bucket(id string) int
	// Exchange adds b.Deltas to the totals and reads b.Reads, in one step: all
	// of it or nothing, but for deltas listed in r.Refused. A batch whose Node,
	// Bucket and Seq were applied before adds nothing, however late or often it
	// arrives.
	//
	// An error means that it is not known whether the batch was applied: the
	// caller sends the same batch again until it is resolved. Its text is logged,
	// so it holds no secret. Exchange returns soon after ctx ends. B's slices are
	// neither kept nor changed. R is overwritten; its slices are reused.
	//
	// A batch with neither Deltas nor Reads is a heartbeat; bucket 0 gets them
	// whether it has deployments or not. One of Seq 0 has neither, adds nothing and
	// leaves no mark: it asks for the epoch, before the first batch of a bucket.
	//
	// A store without epochs (see [Reply]) may be sent a batch again long after it
	// was acknowledged, with a Seq below the latest, when it seems to have lost it.
	Exchange(ctx context.Context, b Batch, r *Reply) error
}

// Batch is what one exchange carries for one bucket.
type Batch struct {
	Node   string // unique to this run of the node's process
	Bucket int
	// Epoch is the one whose counters the batch changes and reads, and in which
	// its Seq counts; 0 = the store has none, or the node does not know it yet.
	Epoch uint64
	// Seq counts the batches of this node, bucket and epoch, from 1. A batch keeps
	// its Seq, and its Deltas, until it is resolved.
	Seq uint64
	// Next, if it is not 0, asks for a new epoch: the bucket's becomes Next if it is
	// Epoch. Such a batch has neither Deltas nor Reads. Seq then counts attempts
	// that found another epoch in the way.
	Next uint64
	// Generation is the one of the last reply for this bucket; 0 = none yet.
	Generation uint64
	// Deltas are to be added; a count may be negative. A CoolUntil is no count: the store
	// keeps the latest it received for each deployment, until then.
	Deltas []window.Tally
	Reads  []window.Tally // to read: ID, Kind and Start
	// Counts says, for each of Deltas, then of Reads, which totals the reply needs
	// beside those that a delta changes. Nil, and 0: requests and tokens.
	Counts []Counts
	// Held says, for each of Deltas, then of Reads, which counts of the window this node
	// would hold by escrow, and asks which ones all nodes do. The first batch that says
	// anything of a deployment's window fixes it for the window and the epoch;
	// [HeldBefore] fixes nothing. Nil, and 0: the batch does not ask.
	Held []Held
}

// Counts are some of the counts of a window.
type Counts uint8

// The counts that there are.
const (
	CountRequests Counts = 1 << iota
	CountTokens
	CountInput
	CountOutput
)

// Of returns which totals the reply needs of delta or read i: see [Batch.Counts].
func (b *Batch) Of(i int) Counts {
	c := Counts(0)
	if i < len(b.Counts) {
		c = b.Counts[i]
	}
	if c == 0 {
		c = CountRequests | CountTokens
	}
	if i < len(b.Deltas) {
		c |= countOf(b.Deltas[i]).which()
	}
	return c
}

// MaxCooling is how many cooldowns a reply may hold, and how many reported limits beside them.
const MaxCooling = 1000

// MaxCooldown is how far ahead a cooldown in a reply may end, in milliseconds: a day of 25
// hours, and a minute for clocks that differ.
const MaxCooldown = int64(25*time.Hour+time.Minute) / int64(time.Millisecond)

// Reply is a store's answer to a batch.
type Reply struct {
	// Totals are those of all nodes after the batch, in the order of Deltas and then Reads;
	// empty when Duplicate. Counts that were not asked for are 0.
	Totals []window.Tally
	// Cooling are deployments of the bucket that cool down, and limits that providers have
	// reported ([window.LimitID]), by ID and CoolUntil, in no particular order: all of
	// them, up to [MaxCooling] of each; none when Duplicate. Instants that have passed or are
	// further ahead than [MaxCooldown] are left out.
	Cooling []window.Tally
	// Held says, in the order of Totals, which counts the nodes hold by escrow, where the
	// batch asked. It may be shorter. 0 = the store does not say: each node does as it
	// is configured.
	Held []Held
	// Refused are the deltas that the store will never accept, with the counts
	// that were not added. Resending them is no use.
	Refused []window.Tally
	// Duplicate says that the batch had been applied before.
	Duplicate bool
	// PrevMissing says that the store knows nothing of the batch before this
	// one, which it had acknowledged: it has lost writes. Always false for Seq 0 and 1.
	PrevMissing bool
	// Epoch is the bucket's: counters of another epoch have other names, so that after a
	// loss the nodes begin again with unused counters. It only grows, except when the store
	// goes back to older data. A store that finds none begins one above the batch's. 0 = the
	// store cannot name counters after an epoch; Generation then tells of losses.
	Epoch uint64
	// EpochBegan is when the epoch began, by the store's clock; zero = not known, as
	// though it had just begun.
	EpochBegan time.Time
	// Generation, of a store without epochs, is the identity of the bucket's data:
	// it changes when the store was emptied. Never 0 in the reply to a batch that was
	// applied.
	Generation uint64
	Nodes      int // that exchanged something within the last few seconds, this one included; 0 = not known
	// Members are the names of these nodes, in any order; empty = not known.
	Members []string
	// Unaware is how many of Members are of a version that shares usage whatever mode holds.
	Unaware int
	// Outdated is how many live nodes share usage by counters of an older format,
	// which the totals lack. OutdatedKnown says that the store has looked.
	Outdated      int
	OutdatedKnown bool
	StoreTime     time.Time // the store's clock when it applied the batch; zero = not known
	Bytes         int       // sent and received, roughly; 0 = not known
}
