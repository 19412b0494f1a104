package escrow

// Slices is the number of one-second slices in which a full bucket drains.
const Slices = 60

// Bucket is an upper bound of a leaky bucket's level at the beginning of a one-second slice,
// computed from the amounts committed in earlier slices. The level is the amount that was
// charged and has not drained yet; an amount does not drain within its own slice. It is kept
// in sixtieths, so that nothing is rounded. The zero value is a bucket of limit 0.
type Bucket struct{ limit, level int64 }

// FullBucket returns a bucket whose level is limit, the highest: the assumption where nothing
// is known. It drains by limit/60 a slice, so it is empty after 60 slices without usage.
func FullBucket(limit int64) Bucket { return Bucket{limit, limit * Slices} }

// Resize changes the limit and keeps the level.
func (b *Bucket) Resize(limit int64) { b.limit = limit }

// Next moves to the next slice after one in which committed was committed.
func (b *Bucket) Next(committed int64) { b.level = committed*Slices + max(b.level-b.limit, 0) }

// Most returns how much may be committed in the slice, given what is already committed in the
// next slice and in the one after: the bounds of these two hold as well.
func (b *Bucket) Most(next, after int64) int64 {
	if next+after > b.limit {
		return 0
	}
	rest := max(b.level-b.limit, 0)
	used := max(b.level, next*Slices+rest, (next+after)*Slices+rest-b.limit)
	return max(b.limit*Slices-used, 0) / Slices
}
