package engine

import "github.com/plimsoll-dev/plimsoll/window"

// Mark is the state of a deployment's counters when a request was sent. A
// provider's figures are as of that request, so charges after its mark
// are added to them. It is a small value, comparable. The zero Mark is no mark.
type Mark struct {
	epoch int64
	place mark
}

// mark is a Mark within an epoch. Counts have 32 bits, because only
// differences within two minutes are computed.
type mark struct {
	counts uint64 // [tokens:32][input:32]
	order  uint64 // [requests:24][sequence:24][milliseconds into the epoch:16]; 0 = no mark
}

const (
	markRequests = 40  // bits below the requests
	markGrain    = 1e6 // ns
	markSequence = 16  // bits below the sequence
	mark24       = 1<<24 - 1
	mark16       = 1<<16 - 1
)

// at returns when the mark was made.
func (m Mark) at() int64 { return window.Start(m.epoch) + int64(m.place.order&mark16)*markGrain }

// none reports whether there is no mark.
func (m Mark) none() bool { return m.place.order == 0 }

// order returns where a mark stands among the marks of its deployment, in one
// word: [epoch][sequence:24]; 0 for none, which is before all.
func (m Mark) order() uint64 {
	if m.none() {
		return 0
	}
	return uint64(m.epoch)<<24 | m.place.order>>markSequence&mark24
}
