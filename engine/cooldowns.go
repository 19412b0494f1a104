package engine

// Cooldowns returns how many cooldowns of the deployment began on this node since it
// was configured, by [CooldownCause]. A cooldown that is prolonged counts once, by its
// first cause. It is safe for concurrent use. The zero Ref has none.
func (r Ref) Cooldowns() (counts [CooldownCauses]int64) {
	if r.h != nil {
		r.h.locked(func(*owner, int64) { counts = r.h.cooldowns })
	}
	return counts
}
