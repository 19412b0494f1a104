package server

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// flushing is how long a connection is kept after its handler has ended, because its answer
// may not be sent yet.
const flushing = 20 * time.Millisecond

// strangers is the largest part of the connections that have never made an accepted
// request, while other connections are idle too.
const strangers = 1. / 8

// conns bounds the number of open connections. When there is one too many, it closes one
// without a request in flight: the longest idle stranger, a connection that has never made
// an accepted request, or if strangers are few, the longest idle one of the others. So a
// crowd of strangers closes none of the connections that clients keep. If all have a request
// in flight, it refuses the new one. A request is in flight from its acceptance to the end
// of its handler. A client that sends half a header, or a body that no handler reads, so
// holds no connection that others need.
type conns struct {
	mu       sync.Mutex
	most     int
	open     map[net.Conn]*tracked
	strange  *list.List // of *tracked without a request, the longest idle first
	familiar *list.List // the same, of those that have made an accepted request
	events   *Events
}

// tracked is an open connection.
type tracked struct {
	conns *conns
	conn  net.Conn
	quiet *list.List    // the list that it is in while it has no request
	busy  int           // requests in flight
	idle  bool          // between two requests, or before the first
	since time.Time     // when the last request's handler ended, whose answer may not be written yet
	place *list.Element // in quiet; nil = it is busy or closed
	turns *turns        // nil = the server has accepted it
	line  *line
	turn  *list.Element // in line
}

func newConns(most int, events *Events) *conns {
	return &conns{most: most, open: map[net.Conn]*tracked{}, strange: list.New(), familiar: list.New(), events: events}
}

// bounded is a listener whose connections are counted, and accepted in turn by client
// address.
type bounded struct {
	net.Listener
	turns *turns
}

// bound returns a listener in front of l. If plain, without TLS, a refused connection
// receives an answer.
func (c *conns) bound(l net.Listener, plain bool) bounded {
	b := bounded{l, newTurns(c)}
	go b.turns.accept(l, func(conn net.Conn) {
		c.events.Count(ConnectionRefused, "every open connection has a request in flight; see --max-connections")
		if plain {
			_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			_, _ = conn.Write([]byte(tooMany))
		}
		_ = conn.Close()
	})
	return b
}

// Accept implements [net.Listener].
func (b bounded) Accept() (net.Conn, error) { return b.turns.next() }

const tooMany = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/json\r\nRetry-After: 1\r\nContent-Length: 84\r\n\r\n" +
	`{"error":{"type":"too_many_connections","message":"too many connections are open"}}` + "\n"

// enter counts a connection and queues it, if the bound allows it or another connection can
// be closed.
func (c *conns) enter(conn net.Conn, turns *turns) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.most {
		victim := c.victim()
		if victim == nil {
			return false
		}
		c.leave(victim)
		if victim.idle || time.Since(victim.since) > flushing {
			_ = victim.conn.Close()
		} else { // the bound is exceeded for a moment
			time.AfterFunc(flushing, func() { _ = victim.conn.Close() })
		}
	}
	t := &tracked{conns: c, conn: conn, quiet: c.strange, idle: true}
	t.place = t.quiet.PushBack(t)
	c.open[conn] = t
	turns.push(t)
	return true
}

// victim returns the connection to close for a new one; nil = all have a request in
// flight. Under the mutex.
func (c *conns) victim() *tracked {
	from := c.strange
	if from.Len() == 0 || float64(from.Len()) <= strangers*float64(c.most) && c.familiar.Len() > 0 {
		from = c.familiar
	}
	if from.Len() == 0 {
		return nil
	}
	return from.Front().Value.(*tracked)
}

// closeQuiet closes the connections without a request in flight. Connections that have never
// made one would delay the shutdown.
func (c *conns) closeQuiet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, quiet := range []*list.List{c.strange, c.familiar} {
		for e := quiet.Front(); e != nil; {
			t := e.Value.(*tracked)
			e = e.Next()
			if t.idle {
				c.leave(t)
				_ = t.conn.Close()
			}
		}
	}
}

// leave uncounts a connection, once. Under the mutex.
func (c *conns) leave(t *tracked) {
	if t.place != nil {
		t.quiet.Remove(t.place)
		t.place = nil
	}
	t.unqueue()
	delete(c.open, t.conn)
}

// state is a [http.Server.ConnState].
func (c *conns) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.open[plainConn(conn)]
	if t == nil { // it was closed for another one
		return
	}
	switch s {
	case http.StateActive:
		t.idle = false
	case http.StateIdle:
		t.idle = true
	case http.StateClosed, http.StateHijacked:
		c.leave(t)
	case http.StateNew:
	}
}

// plainConn returns the connection below TLS.
func plainConn(conn net.Conn) net.Conn {
	if t, ok := conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return conn
}

type connKey struct{}

// context is a [http.Server.ConnContext].
func (c *conns) context(ctx context.Context, conn net.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return context.WithValue(ctx, connKey{}, c.open[plainConn(conn)])
}

// inFlight marks a request of a connection as in flight. The returned function marks its
// end.
func inFlight(ctx context.Context) (ended func()) {
	t, _ := ctx.Value(connKey{}).(*tracked)
	if t == nil { // no connection of a server, or one that was closed for another
		return func() {}
	}
	t.add(1)
	return t.done
}

func (t *tracked) done() { t.add(-1) }

func (t *tracked) add(n int) {
	c := t.conns
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[t.conn] != t {
		return
	}
	t.busy += n
	switch {
	case t.busy > 0 && t.place != nil:
		t.quiet.Remove(t.place)
		t.place, t.quiet = nil, c.familiar
	case t.busy == 0 && t.place == nil:
		t.place, t.since = t.quiet.PushBack(t), time.Now()
	}
}
