package syncer

import "github.com/plimsoll-dev/plimsoll/window"

const (
	// grace is how many seconds after the end of the window that follows it a
	// window's last changes may still be sent; a store keeps its keys longer.
	grace = 5
	// lifetime is how long after its start a window is kept.
	lifetime = 120 + grace
	// livesFor is for how many epochs a deployment is kept up to date that nobody
	// asks for any more.
	livesFor = 60
)

// deployment is what is known of one deployment.
type deployment struct {
	id      string
	limits  Count // 0 = unlimited, -1 = a limit of zero
	seen    int64 // epoch in which the source last spoke of it
	windows []*usage
	// part is this node's share of each limit, frozen while the store is away.
	part struct{ requests, tokens float64 }
}

// usage is what is known of one deployment in one window.
//
// At all times own = committed + flying + refused + what is yet to be sent.
type usage struct {
	d         *deployment
	start     int64 // Unix seconds
	own       Count // this node's, as the source last reported it
	committed Count // of it, what the store has acknowledged
	flying    Count // of it, what the batch under way adds
	refused   Count // of it, what the store will never take

	asked bool // read it in the next batch
	known bool // total is of the store
	total Count
	low   int64 // since when total is below committed, Unix nanoseconds; 0 = it is not
	at    int64 // when total was read, Unix nanoseconds; 0 = never
	view        // what to tell the source

	// Frozen when the store went away.
	base struct {
		known            bool
		committed, total Count
	}
}

// unsent returns what the store has yet to be told.
func (u *usage) unsent() Count {
	return u.own.minus(u.committed).minus(u.flying).minus(u.refused)
}

func (u *usage) dead(now int64) bool { return dead(u.start, now) }

// dead reports whether it is too late to send changes of a window.
func dead(start, now int64) bool { return now/1e9-start >= lifetime }

// window returns the usage in a window, or nil.
func (d *deployment) window(start int64) *usage {
	for _, u := range d.windows {
		if u.start == start {
			return u
		}
	}
	return nil
}

// open returns the usage in a window, made if need be.
func (d *deployment) open(start int64) *usage {
	u := d.window(start)
	if u == nil {
		u = &usage{d: d, start: start}
		d.windows = append(d.windows, u)
	}
	return u
}

// live reports whether the deployment is to be kept up to date.
func (d *deployment) live(epoch int64) bool { return d.seen >= epoch-livesFor }

// share returns what the source is to be told.
func (u *usage) share() window.Share {
	o := u.others.plus(u.forecast)
	return window.Share{
		Tally:           o.tally(u.d.id, u.start),
		CeilingRequests: u.ceiling.Requests,
		CeilingTokens:   u.ceiling.Tokens,
	}
}
