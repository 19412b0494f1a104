package syncer

import (
	"context"
	"time"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Source is the local counterpart of a syncer, normally an engine: it reports its usage and
// applies that of the other nodes. The syncer calls it from one goroutine at a time.
type Source interface {
	// Collect appends this node's own usage to dst, cumulative per deployment and window. A
	// window is reported while it is the current or the previous one, and once more when it
	// ended after its last report.
	Collect(dst []window.Report) []window.Report
	// Absorb applies the other nodes' usage and the ceilings on this node's. It must not keep
	// shares.
	Absorb(shares []window.Share)
}

// A Lister is a source that can list its deployments before their first request, as an
// engine can. Its syncer closes them until the first exchange has returned the other nodes'
// usage.
type Lister interface {
	// List appends a report of the current minute for every deployment, and of the current
	// hour and day for those with limits per hour or day: IDs, windows and limits.
	List(dst []window.Report) []window.Report
}

// A Reserver is a source that can hold limits by grants, as an engine can: under limits that
// are not [window.Report.Loose] it admits nothing in a window that no share has named.
// [Escrow] needs one.
type Reserver interface {
	Lister
	// Short returns a channel that receives when a ceiling, and not the limit itself, has
	// refused a demand or makes it wait.
	Short() <-chan struct{}
	// GrantWithin sets how long a request may wait for a grant; 0 = no grants are coming.
	GrantWithin(d time.Duration)
	// Want appends the demand that ceilings have refused since the last call, and the demand
	// that waits.
	Want(dst []window.Want) []window.Want
}

// Store keeps the totals that the nodes share: one for each count of each deployment in each
// window, until the last changes of the window can have arrived. Exchange must be safe for
// concurrent use with different buckets; the syncer has one batch of a bucket in flight.
type Store interface {
	// Bucket returns the bucket of a deployment, from 0 up, which never changes. A limit that
	// its provider has reported ([window.LimitID]) is in the bucket of its deployment.
	Bucket(id string) int
	// Exchange adds b.Deltas to the totals and reads b.Reads, atomically: all of them
	// except the deltas listed in r.Refused, or none. A batch whose Node, Bucket and Seq
	// were applied before adds nothing, however late or often it arrives.
	//
	// An error means that the store may or may not have applied the batch: the
	// caller sends the same batch again until it gets a reply. The error's text is
	// logged, so it must hold no secret. Exchange returns soon after ctx ends. It
	// neither keeps nor changes b's slices. It overwrites r and reuses its slices.
	//
	// A batch has at most 500 Deltas and Reads together.
	//
	// A batch with neither Deltas nor Reads is a heartbeat; bucket 0 gets them
	// even without deployments. A batch with Seq 0 has neither, adds nothing and
	// leaves no marker: it asks for the epoch before the first batch of a bucket.
	//
	// A store without epochs (see [Reply]) may receive a batch again long after it
	// acknowledged it, with a Seq below the latest, when it seems to have lost it.
	Exchange(ctx context.Context, b Batch, r *Reply) error
}

// Batch is the request of one exchange for one bucket.
type Batch struct {
	Node   string // unique to this run of the node's process
	Bucket int
	// Epoch selects the counters that the batch changes and reads, and the series of
	// its Seq; 0 = the store has no epochs, or the node does not know the epoch yet.
	Epoch uint64
	// Seq counts the batches of this node, bucket and epoch, from 1. A batch keeps
	// its Seq, and its Deltas, until it is resolved.
	Seq uint64
	// Next, if not 0, asks for a new epoch: the bucket's epoch becomes Next if it is
	// Epoch now. Such a batch has neither Deltas nor Reads. Its Seq grows
	// by 1 with each two attempts that changed nothing.
	Next uint64
	// Generation is that of the last reply for this bucket; 0 = no reply yet.
	Generation uint64
	// Deltas are added to the totals; a count may be negative. A CoolUntil is not added: the
	// store keeps the latest that it has received for each ID, until it has passed. It keeps one
	// that is further ahead than [MaxCooldown] as one that is MaxCooldown ahead.
	Deltas []window.Tally
	Reads  []window.Tally // to read: ID, Kind and Start
	// Counts holds, for each of Deltas and then of Reads, the counts whose totals the reply
	// needs beside those that a delta changes. Nil, and 0: requests and tokens.
	Counts []Counts
	// Held holds, for each of Deltas and then of Reads, the counts of the window that this
	// node wants to hold by escrow, and asks for those that all nodes hold. The first batch
	// with a known set for a deployment's window fixes it for the window in that epoch;
	// [HeldBefore] fixes nothing. Nil, and 0: the batch does not ask.
	Held []Held
	// Modes is the mode for which the node is configured, for Reply.Modes; 0 = unknown. It may
	// change from batch to batch.
	Modes NodeModes
}

// Counts is a set of the counts of a window.
type Counts uint8

// The counts of a window.
const (
	CountRequests Counts = 1 << iota
	CountTokens
	CountInput
	CountOutput
)

// Of returns the counts whose totals the reply needs of delta or read i: see [Batch.Counts].
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

// MaxCooling is the largest number of cooldowns in a reply, and separately of reported limits.
const MaxCooling = 1000

// MaxCooldown is how far ahead a cooldown in a reply may end, in milliseconds: a day of 25
// hours, and a minute for clocks that differ.
const MaxCooldown = int64(25*time.Hour+time.Minute) / int64(time.Millisecond)

// Reply is a store's answer to a batch.
type Reply struct {
	// Totals are those of all nodes after the batch, in the order of Deltas and then Reads;
	// empty when Duplicate. Counts that were not asked for are 0.
	Totals []window.Tally
	// Cooling holds the bucket's deployments that cool down, and the limits that providers have
	// reported ([window.LimitID]), by ID and CoolUntil, in any order: of each those that end first, up to [MaxCooling];
	// none when Duplicate. The store omits instants that have passed or are further ahead
	// than [MaxCooldown].
	Cooling []window.Tally
	// Held holds, in the order of Totals, the counts that the nodes hold by escrow, where the
	// batch asked. It may be shorter. 0 = the store does not report it, and each node does as
	// it is configured.
	Held []Held
	// Refused are the deltas that the store will never accept, with the counts that it has
	// not added. Sending them again changes nothing.
	Refused []window.Tally
	// Duplicate says that the batch had been applied before.
	Duplicate bool
	// PrevMissing says that the store has no marker of the batch before this one, which it
	// had acknowledged: it has lost writes, or the marker has expired. Always false for Seq 0
	// and 1.
	PrevMissing bool
	// Epoch is the bucket's epoch. Counters of another epoch have other names, so that after a
	// loss the nodes begin with unused counters. The epoch only grows, except when the store
	// goes back to older data. A store that has lost its epoch begins one above the batch's. 0
	// = the store cannot name counters after an epoch; Generation then shows losses.
	Epoch uint64
	// EpochBegan is when the epoch began, by the store's clock; zero = not known, as
	// though it had just begun.
	EpochBegan time.Time
	// Generation is, in a store without epochs, the identity of the bucket's data: it changes
	// when the store is emptied. It is never 0 in the reply to a batch that was applied.
	Generation uint64
	Nodes      int // number of nodes with an exchange within the last few seconds, this one included; 0 = not known
	// Members are the names of these nodes, in any order; empty = not known.
	Members []string
	// Modes are the Batch.Modes of these nodes, the latest of each, in the order of Members. It
	// may be shorter. 0 = unknown.
	Modes []NodeModes
	// Unaware is how many of Members are of a version without modes, which shares usage.
	Unaware int
	// Outdated is the number of live nodes that use counters of an older format, whose
	// usage the totals lack. OutdatedKnown says that the store has counted them.
	Outdated      int
	OutdatedKnown bool
	StoreTime     time.Time // the store's clock when it applied the batch; zero = not known
	Bytes         int       // approximate bytes sent and received; 0 = not known
}
