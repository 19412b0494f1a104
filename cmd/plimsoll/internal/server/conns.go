package server

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// conns bounds how many connections are open. When there is one too many, that
// goes which has asked for nothing for longest; if all are being served, the new
// one is turned away.
type conns struct {
	mu    sync.Mutex
	most  int
	open  map[net.Conn]*list.Element // nil: it is being served
	quiet *list.List                 // of net.Conn, the longest quiet first
}

func newConns(most int) *conns {
	return &conns{most: most, open: map[net.Conn]*list.Element{}, quiet: list.New()}
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
		if err != nil || b.conns.enter(c) {
			return c, err
		}
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
		victim := oldest.Value.(net.Conn)
		c.leave(victim)
		_ = victim.Close()
	}
	c.open[conn] = c.quiet.PushBack(conn)
	return true
}

// closeQuiet closes the connections that are not being served; those that have
// never asked for anything would hold up an end.
func (c *conns) closeQuiet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.quiet.Front(); e != nil; e = c.quiet.Front() {
		conn := e.Value.(net.Conn)
		c.leave(conn)
		_ = conn.Close()
	}
}

// leave counts a connection out, once. Under the mutex.
func (c *conns) leave(conn net.Conn) {
	e, ok := c.open[conn]
	if !ok {
		return
	}
	if e != nil {
		c.quiet.Remove(e)
	}
	delete(c.open, conn)
}

// state is a [http.Server.ConnState].
func (c *conns) state(conn net.Conn, s http.ConnState) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.open[conn]
	if !ok { // it had to go
		return
	}
	switch s {
	case http.StateActive:
		if e != nil {
			c.quiet.Remove(e)
			c.open[conn] = nil
		}
	case http.StateIdle:
		if e == nil {
			c.open[conn] = c.quiet.PushBack(conn)
		}
	case http.StateClosed, http.StateHijacked:
		c.leave(conn)
	case http.StateNew:
	}
}
