package server

import (
	"container/list"
	"net"
	"net/netip"
	"runtime"
)

// turns passes the connections of a listener to its server by round robin over client
// addresses, the oldest of an address first. It accepts them as fast as the kernel offers
// them. So an address that opens thousands of connections delays only its own requests, and
// the kernel's queue, which drops connections of any client when it is full, stays short.
type turns struct {
	conns *conns

	// Under the mutex of conns:
	lines map[netip.Addr]*line
	ring  list.List // of *line, none empty; the next one in front

	ready  chan struct{} // has a value after a connection has arrived
	failed chan error    // of the listener
	ended  chan struct{} // closed when the listener has ended, with the reason in err
	err    error
}

// line is the connections of one client address that the server has not accepted yet.
type line struct {
	client netip.Addr
	conns  list.List     // of *tracked, the oldest in front
	place  *list.Element // in the ring
}

func newTurns(c *conns) *turns {
	return &turns{
		conns: c, lines: map[netip.Addr]*line{},
		ready: make(chan struct{}, 1), failed: make(chan error), ended: make(chan struct{}),
	}
}

// accept accepts connections from a listener until the listener is closed.
func (t *turns) accept(l net.Listener, refuse func(net.Conn)) {
	defer close(t.ended)
	for {
		c, err := l.Accept()
		switch {
		case err == nil && t.conns.enter(c, t):
			select {
			case t.ready <- struct{}{}:
			default: // ready has a value already
			}
		case err == nil:
			refuse(c)
		case temporary(err):
			t.conns.events.accept(err)
			t.failed <- err // until the server asks for the next one, after a pause
		default:
			t.conns.events.accept(err)
			t.err = err
			return
		}
	}
}

// temporary reports whether the server accepts again after an error, such as a lack of
// file descriptors.
func temporary(err error) bool {
	e, ok := err.(interface{ Temporary() bool }) // as http.Server.Serve sees it
	return ok && e.Temporary()
}

// next waits for a connection and returns the one whose turn it is.
func (t *turns) next() (net.Conn, error) {
	// Earlier goroutines run before the next one starts. So a crowd waits in this queue,
	// which is fair by address, and not in that of the scheduler, which is not.
	runtime.Gosched()
	for {
		if c := t.pop(); c != nil {
			return c, nil
		}
		select {
		case <-t.ready:
		case err := <-t.failed:
			return nil, err
		case <-t.ended:
			return nil, t.err
		}
	}
}

func (t *turns) pop() net.Conn {
	t.conns.mu.Lock()
	defer t.conns.mu.Unlock()
	front := t.ring.Front()
	if front == nil {
		return nil
	}
	l := front.Value.(*line)
	t.ring.MoveToBack(front)
	c := l.conns.Front().Value.(*tracked)
	c.unqueue()
	return c.conn
}

// push adds a connection to the line of its address. Under the mutex of conns.
func (t *turns) push(c *tracked) {
	client := network(c.conn.RemoteAddr().String())
	l := t.lines[client]
	if l == nil {
		l = &line{client: client}
		t.lines[client] = l
		l.place = t.ring.PushBack(l)
	}
	c.turns, c.line, c.turn = t, l, l.conns.PushBack(c)
}

// unqueue removes a connection from its line, if it is in one. Under the mutex of conns.
func (t *tracked) unqueue() {
	if t.line == nil {
		return
	}
	t.line.conns.Remove(t.turn)
	if t.line.conns.Len() == 0 {
		t.turns.ring.Remove(t.line.place)
		delete(t.turns.lines, t.line.client)
	}
	t.turns, t.line, t.turn = nil, nil, nil
}
