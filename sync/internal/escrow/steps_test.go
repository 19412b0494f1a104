package escrow

import "slices"

// step visits all worlds that one event makes of w.
func (x *explorer) step(w world) {
	for i := range w.nodes[:x.nodes] {
		if n := &w.nodes[i]; !n.gone {
			x.use(w, i)
			x.send(w, i)
			x.resend(w, i)
			x.crash(w, i)
			if int(n.window)+1 < x.windows {
				next := w
				next.nodes[i].window++
				x.visit(next)
			}
		}
	}
	for i := range w.requests {
		if w.requests[i].seq != 0 {
			x.arrive(w, i)
		}
	}
	for i := range w.replies {
		if w.replies[i].seq != 0 {
			x.receive(w, i)
		}
	}
	x.lose(w)
	x.reopenAll(w)
}

// use admits a request, gives one back, lowers what is granted, or counts a request
// that had reserved too little.
func (x *explorer) use(w world, i int) {
	k := w.nodes[i].window
	a := w.nodes[i].account[k].account()
	own := int64(w.nodes[i].own[k])
	if own < a.granted && (x.returns || x.overruns) { // else what is granted may be used, and nothing asks whether it is
		next := w
		next.nodes[i].own[k]++
		x.visit(next)
	}
	if x.returns {
		if own > 0 {
			next := w
			next.nodes[i].own[k]--
			x.visit(next)
		}
		for k := range x.windows {
			a := w.nodes[i].account[k].account()
			if before := a; a.granted > 0 {
				x.lower(&a, int64(w.nodes[i].own[k]), 1)
				if a != before {
					next := w
					next.nodes[i].account[k] = smallOf(a)
					x.visit(next)
				}
			}
		}
	}
	if x.overruns && own == a.granted && own < x.limit {
		next := w
		next.nodes[i].own[k]++
		a.Overrun(own + 1)
		next.nodes[i].account[k] = smallOf(a)
		x.visit(next)
	}
}

// send begins a batch: it asks for nothing or something in each window, and returns
// what is due.
func (x *explorer) send(w world, i int) {
	n := &w.nodes[i]
	if n.doubt.seq != 0 && x.keeps || n.seq >= x.seqs {
		return
	}
	for asks := range pow(x.most+1, x.windows) {
		next := w
		m := &next.nodes[i]
		m.seq++
		m.doubt = batch{node: int8(i), run: m.run, epoch: m.epoch, seq: m.seq}
		for k, rest := 0, asks; k < x.windows; k, rest = k+1, rest/(x.most+1) {
			a := m.account[k].account()
			m.doubt.delta[k] = int8(a.Send(rest % (x.most + 1) * max(x.unit, 1)))
			m.account[k] = smallOf(a)
		}
		if put(next.requests[:], m.doubt) {
			x.visit(next)
		}
	}
}

func (x *explorer) resend(w world, i int) {
	if d := w.nodes[i].doubt; d.seq != 0 && w.resends > 0 && put(w.requests[:], d) {
		w.resends--
		x.visit(w)
	}
}

// crash ends a node. Another one takes its place, which knows nothing.
func (x *explorer) crash(w world, i int) {
	if w.crashes == 0 {
		return
	}
	w.crashes--
	n := &w.nodes[i]
	for k := range x.windows {
		used := n.account[k].granted // it may have been, to the last
		w.used[k] += used
		if n.epoch == w.epoch {
			a := n.account[k].account()
			w.left[k] += int8(a.Committed())
			bare := int8(a.bare)
			if n.doubt.seq != 0 && w.marks[i] >= n.doubt.seq {
				w.left[k] += int8(a.inFlight.sum())
			} else {
				bare += int8(a.inFlight.bare)
			}
			w.lost[k] += min(used, bare) // no node adds it again
			continue
		}
		w.lost[k] += used
	}
	for j := range w.requests { // one copy of what the store has not had
		if b := &w.requests[j]; b.seq != 0 && int(b.node) == i && (b.seq <= w.marks[i] || slices.Contains(w.requests[:j], *b)) {
			*b = batch{}
		}
	}
	*n = modelNode{run: n.run + 1, window: n.window}
	w.marks[i] = 0
	x.visit(w)
}

// arrive brings a request to the store.
func (x *explorer) arrive(w world, i int) {
	b := w.requests[i]
	w.requests[i] = batch{}
	r := reply{batch: b, now: w.epoch}
	switch {
	case b.epoch != w.epoch: // counters that no node reads
	case b.run != w.nodes[b.node].run: // of a node that is gone
		for k, d := range b.delta {
			w.counter[k] += d
			w.left[k] += d
		}
		x.visit(w)
		return
	case w.marks[b.node] >= b.seq && x.marks:
		r.duplicate = true
	default:
		w.marks[b.node] = b.seq
		for k, d := range b.delta {
			w.counter[k] += d
		}
	}
	r.total = w.counter
	if put(w.replies[:], r) {
		x.visit(w)
	}
}

// receive brings a reply to its node.
func (x *explorer) receive(w world, i int) {
	r := w.replies[i]
	w.replies[i] = reply{}
	n := &w.nodes[r.node]
	if n.gone || r.run != n.run || r.epoch != n.epoch || r.seq != n.doubt.seq {
		return
	}
	for k := range x.windows {
		a := n.account[k].account()
		switch {
		case r.now > n.epoch:
			x.renew(&a)
		case r.duplicate:
			x.duplicate(&a, x.limit)
		default:
			x.total(&a, x.bound(&r, k), int64(r.total[k]), !w.holding)
		}
		n.account[k] = smallOf(a)
	}
	n.doubt = batch{}
	if r.now > n.epoch {
		n.epoch, n.seq = r.now, 0
	}
	x.visit(w)
}

// lose empties the store, which begins a new epoch.
func (x *explorer) lose(w world) {
	if w.losses == 0 {
		return
	}
	w.losses--
	w.epoch++
	w.holding = x.holds
	for k := range w.lost {
		w.lost[k] = w.used[k] // no node adds it again; what of it is in a floor is no excuse
	}
	w.counter, w.left = [modelWindows]int8{}, [modelWindows]int8{}
	w.marks = [maxModelNodes]int8{}
	x.visit(w)
}

// reopenAll ends the time after a loss, which is long enough for all nodes that live to
// add what they are granted, and for old messages to arrive.
func (x *explorer) reopenAll(w world) {
	if !w.holding {
		return
	}
	for i := range w.nodes[:x.nodes] {
		n := &w.nodes[i]
		if n.gone {
			continue
		}
		if n.epoch != w.epoch || n.doubt.seq != 0 {
			return
		}
		for k := range x.windows {
			if n.account[k].bare != 0 || !n.account[k].known {
				return
			}
		}
	}
	w.holding = false
	x.visit(w)
}

// put adds a message to those on the way, which are in order, so that worlds which
// differ by their places alone are one. False: there is no headroom.
func put[M interface{ batch | reply }](ms []M, m M) bool {
	var none M
	i := slices.Index(ms, none)
	if i < 0 {
		return false
	}
	ms[i] = m
	return true
}

func pow(n int64, k int) int64 {
	p := int64(1)
	for range k {
		p *= n
	}
	return p
}
