package syncer

import (
	"strings"

	"github.com/plimsoll-dev/plimsoll/window"
)

// Nodes keep pools, and windows that begin at times of their own, together by grants alone:
// the source reports them only to receive grants. Where nodes share usage instead, a share
// lets the source admit in these windows without a grant, and the other nodes receive the
// usage of the deployments in UTC minutes, hours and days.

// ofPool reports whether an ID is a pool's.
func ofPool(id string) bool { return strings.HasPrefix(id, window.PoolPrefix) }

// granted reports whether nodes keep limits over windows of a kind together by grants alone.
func granted(id string, kind window.Kind) bool { return kind.Own() || ofPool(id) }

// begins records the start and the length of windows that begin at a time of their own.
func (d *deployment) begins(r *window.Report) {
	if r.Kind.Own() {
		l := &d.long[r.Kind]
		l.start, l.length = r.Start, max(r.Length, 1)
	}
}

// usageOfGrants lets the source admit without grants under the limits of a report, which
// the nodes do not hold by escrow.
func (s *Syncer) usageOfGrants(d *deployment, r *window.Report) {
	if d.exact[r.Kind] {
		s.setExact(d, r)
	}
	d.long[r.Kind].listed, d.grantless, d.opened[r.Kind] = false, true, true
	s.opens = append(s.opens, window.Share{Tally: window.Tally{ID: r.ID, Kind: r.Kind}})
}

// closeGrants ends what usageOfGrants began: the source admits what is granted alone.
func (s *Syncer) closeGrants(d *deployment, kind window.Kind) {
	if d.opened[kind] {
		d.opened[kind] = false
		s.opens = append(s.opens, window.Share{
			Tally: window.Tally{ID: d.id, Kind: kind}, CeilingRequests: blocked, CeilingTokens: blocked, CeilingInput: blocked, CeilingOutput: blocked,
		})
	}
}

// openGrants passes the shares of usageOfGrants and closeGrants to the source.
func (s *Syncer) openGrants() {
	if len(s.opens) > 0 {
		s.src.Absorb(s.opens)
		s.opens = s.opens[:0]
	}
}

// measured returns the window whose usage measures a deployment's demand: the minute, or
// for a pool without limits of UTC minutes the shortest window that it has.
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
