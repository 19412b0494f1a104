package syncer

// Held is the set of a window's counts that the nodes hold by escrow; they keep the other
// counts together by usage. The zero value means that the set is not known.
type Held uint8

const (
	heldKnown Held = 1 << 7
	// HeldBefore asks which counts are held by escrow and fixes none.
	HeldBefore Held = 1 << 6
)

// HeldBy returns a known Held of the counts c; 0 = all counts are kept by usage.
func HeldBy(c Counts) Held { return heldKnown | Held(c) }

// Known reports whether the set is known.
func (h Held) Known() bool { return h&heldKnown != 0 }

// Escrow returns the counts that are held by escrow; none if the set is not known.
func (h Held) Escrow() Counts { return Counts(h &^ (heldKnown | HeldBefore)) }

// Wants returns what the node wants for delta or read i, if that is not fixed yet: see
// [Batch.Held].
func (b *Batch) Wants(i int) Held {
	if i < len(b.Held) {
		return b.Held[i]
	}
	return 0
}
