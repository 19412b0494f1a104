package syncer

// Held says which counts of a window the nodes hold by escrow; the others they keep together
// by usage. The zero value says nothing.
type Held uint8

const (
	heldSaid Held = 1 << 7
	// HeldBefore asks which counts are held by escrow, and fixes nothing.
	HeldBefore Held = 1 << 6
)

// HeldBy returns a Held of these counts, which may be none.
func HeldBy(c Counts) Held { return heldSaid | Held(c) }

// Said reports whether h says anything.
func (h Held) Said() bool { return h&heldSaid != 0 }

// Escrow returns the counts that are held by escrow; none if h says nothing.
func (h Held) Escrow() Counts { return Counts(h &^ (heldSaid | HeldBefore)) }

// Wants returns what the node wants for delta or read i, if that is not fixed yet: see
// [Batch.Held].
func (b *Batch) Wants(i int) Held {
	if i < len(b.Held) {
		return b.Held[i]
	}
	return 0
}
