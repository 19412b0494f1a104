package syncer

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Pools, and windows that begin at times of their own, are kept together by reservations
// alone: the source reports them only to have them granted. Where nodes share usage instead,
// a share opens these windows of the source without a grant. The other nodes then learn what
// its deployments use in UTC minutes, hours and days.

// ofPool reports whether an ID is a pool's.
func ofPool(id string) bool { return strings.HasPrefix(id, window.PoolPrefix) }

// granted reports whether a report is of limits that a source holds by grants or not at all.
func granted(r *window.Report) bool { return r.Kind.Own() || ofPool(r.ID) }

// begins takes in when a window begins that begins at a time of its own.
func (d *deployment) begins(r *window.Report) {
	if r.Kind.Own() {
		l := &d.long[r.Kind]
		l.start, l.length = r.Start, max(r.Length, 1)
	}
}

// usageOfGrants has the source admit without grants under limits that are kept together by
// usage.
func (s *Syncer) usageOfGrants(d *deployment, r *window.Report) {
	if d.exact[r.Kind] {
		s.setExact(d, r)
	}
	d.long[r.Kind].listed, d.grantless = false, true
	s.opens = append(s.opens, window.Share{Tally: window.Tally{ID: r.ID, Kind: r.Kind}})
}

// openGrants passes the shares that usageOfGrants has gathered to the source.
func (s *Syncer) openGrants() {
	if len(s.opens) > 0 {
		s.src.Absorb(s.opens)
		s.opens = s.opens[:0]
	}
}

// measured returns the window by which a deployment's demand is measured: the minute, or of
// a pool without limits of UTC minutes the shortest that it has.
func (s *Syncer) measured(d *deployment, minute *usage, now int64) *usage {
	if !ofPool(d.id) || d.limits != (Count{}) {
		return minute
	}
	for _, kind := range [...]window.Kind{window.KindPhased, window.KindSlice, window.KindPart, window.KindHour, window.KindDay, window.KindDayPacific} {
		if d.long[kind].listed {
			return d.open(kind, s.beganAt(d, kind, now))
		}
	}
	return minute
}
