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

// flushing is for how long a connection is kept whose handler has ended a moment ago:
// its answer is on the way.
const flushing = 20 * time.Millisecond

// conns bounds how many connections are open. When there is one too many, that goes
// which has had no request under way for longest; if all have one, the new one is
// turned away. A request is under way from when it may be made to the end of its
// handler: who sends half a header, or a body that no handler waits for, holds
// nothing that others need.
type conns struct {
	mu     sync.Mutex
	most   int
	open   map[net.Conn]*tracked
	quiet  *list.List // of *tracked without a request, the longest quiet first
	events *Events
}

// tracked is an open connection.
type tracked struct {
	conns *conns
	conn  net.Conn
	busy  int           // requests under way
	idle  bool          // between two requests, or before the first
	since time.Time     // when the last request's handler ended, whose answer may not be written yet
	place *list.Element // in quiet; nil = it is busy, or gone
}

func newConns(most int, events *Events) *conns {
	return &conns{most: most, open: map[net.Conn]*tracked{}, quiet: list.New(), events: events}
}

// bounded is a listener whose connections are counted.
type bounded struct {
	net.Listener
	conns *conns
	plain bool // a refusal can be written as it is
}

// Accept implements [net.Listener].
func (b bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			b.conns.events.accept(err)
			return c, err
		}
		if b.conns.enter(c) {
			return c, nil
		}
		b.conns.events.Count(ConnectionRefused, "every open connection has a request under way; see --max-connections")
		if b.plain {
			_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			_, _ = c.Write([]byte(tooMany))
		}
		_ = c.Close()
	}
}

const tooMany = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: application/json\r\nRetry-After: 1\r\nContent-Length: 84\r\n\r\n" +
	`{"error":{"type":"too_many_connections","message":"too many connections are open"}}` + "\n"

// enter counts a connection in, if there is room or room can be made.
func (c *conns) enter(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.most {
		oldest := c.quiet.Front()
		if oldest == nil {
			return false
		}
		victim := oldest.Value.(*tracked)
		c.leave(victim)
		if victim.idle || time.Since(victim.since) > flushing {
			_ = victim.conn.Close()
		} else { // above the bound for a moment
			time.AfterFunc(flushing, func() { _ = victim.conn.Close() })
		}
	}
	t := &tracked{conns: c, conn: conn, idle: true}
	t.place = c.quiet.PushBack(t)
	c.open[conn] = t
	return true
}

// closeQuiet closes the connections that are between two requests; those that have
// never made one would hold up an end.
func (c *conns) closeQuiet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.quiet.Front(); e != nil; {
		t := e.Value.(*tracked)
		e = e.Next()
		if t.idle {
			c.leave(t)
			_ = t.conn.Close()
		}
	}
}

// leave counts a connection out, once. Under the mutex.
func (c *conns) leave(t *tracked) {
	if t.place != nil {
		c.quiet.Remove(t.place)
		t.place = nil
	}
	delete(c.open, t.conn)
}

// state is a [http.Server.ConnState].
func (c *conns) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.open[plainConn(conn)]
	if t == nil { // it had to go
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

// plainConn returns the connection that TLS is spoken on.
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

// underWay says that a request of a connection may be made. The function that it
// returns says that its handler has ended.
func underWay(ctx context.Context) (ended func()) {
	t, _ := ctx.Value(connKey{}).(*tracked)
	if t == nil { // no connection of a server, or one that had to go
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
		c.quiet.Remove(t.place)
		t.place = nil
	case t.busy == 0 && t.place == nil:
		t.place, t.since = c.quiet.PushBack(t), time.Now()
	}
}
