package counter

// Take charges n if they fit at an instant within a part of the limit, as a limit that is a
// bucket does.
func (b *Bucket) Take(p Part, now, n int64) bool {
	l := Limit{Rule: Rule{Shape: Level}, bucket: b}
	return l.Take(p, At{Now: now}, n) == Taken
}
