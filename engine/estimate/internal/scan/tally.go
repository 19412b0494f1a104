package scan

// Counts says how many pieces of each kind a text has. The meaning of an index
// is private to this package and to the weights fitted for it; [Name] describes
// it.
type Counts [Kinds]uint32

// Weights are what a piece of each kind counts for.
type Weights [Kinds]int32

// Count counts the pieces of a text by kind, given the words that are one token. Invalid UTF-8 counts byte by byte.
func Count(text string, known *Known) Counts {
	t := tally{known: known}
	t.counts = new(Counts)
	t.read(text)
	return *t.counts
}

// Sum adds up the weights of the pieces of a text: what [Count] and a product
// would give, without the detour. It does not allocate.
func Sum(text string, w *Weights, known *Known) int64 {
	t := tally{weights: w, known: known}
	t.read(text)
	return t.sum
}

// A tally either counts pieces, if it has counts, or weighs them.
type tally struct {
	known   *Known
	weights *Weights
	sum     int64
	counts  *Counts
}

// add notes n pieces of a kind.
func (t *tally) add(kind, n int) {
	if t.counts != nil {
		t.counts[kind] += uint32(n)
		return
	}
	t.sum += int64(t.weights[kind]) * int64(n)
}

// one notes a piece of a kind.
func (t *tally) one(kind int) {
	if t.counts != nil {
		t.counts[kind]++
		return
	}
	t.sum += int64(t.weights[kind])
}
