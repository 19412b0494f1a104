package escrow

// Slices is how many slices of a second a full bucket needs to refill.
const Slices = 60

// Bucket is how full a bucket is at most at the beginning of a slice of a second, computed from what was
// committed in the slices before: what is charged in a slice does not refill in it. It counts
// in sixtieths, so that nothing is rounded. The zero value is a bucket of nothing.
type Bucket struct{ limit, level int64 }

// FullBucket returns a bucket that holds limit, refills by limit/60 a slice, and of which all
// may be used: the beginning where nothing is known. It is empty after 60 slices of nothing.
func FullBucket(limit int64) Bucket { return Bucket{limit, limit * Slices} }

// Resize changes the limit, and keeps how much is used.
func (b *Bucket) Resize(limit int64) { b.limit = limit }

// Next goes on to the slice after one in which so much was committed.
func (b *Bucket) Next(committed int64) { b.level = committed*Slices + max(b.level-b.limit, 0) }

// Most returns what may be committed in the slice, where so much is committed of the next one
// and of the one after that already: their bounds hold too.
func (b *Bucket) Most(next, after int64) int64 {
	if next+after > b.limit {
		return 0
	}
	rest := max(b.level-b.limit, 0)
	used := max(b.level, next*Slices+rest, (next+after)*Slices+rest-b.limit)
	return max(b.limit*Slices-used, 0) / Slices
}
