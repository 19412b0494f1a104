package servertest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Direction is the direction of bytes through a proxy.
type Direction int

const (
	ToServer Direction = iota
	ToClient
)

// Proxy is a TCP proxy between clients and a server that simulates network
// faults. Its methods are safe for concurrent use.
type Proxy struct {
	target   string
	listener net.Listener
	pumps    sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond
	pipes   map[*pipe]bool
	closed  bool
	refuse  bool
	cut     bool             // drop the next reply and its connection
	block   [2]bool          // bytes wait, none is lost
	delay   [2]time.Duration // delay of every chunk
	rate    [2]int           // bytes a second; 0 = unlimited
	passed  [2]int64
	rewrite func(reply []byte) []byte // nil = replies pass unchanged
}

// pipe is the connection of one client and the matching one to the server.
type pipe struct {
	client, server net.Conn
	held           bool // the client's bytes wait
}

// NewProxy listens on a free port until the test ends.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	return NewProxyAt(tb, "127.0.0.1:0", target)
}

// NewProxyAt is NewProxy on the address addr, for which any of 127.0.0.0/8 can
// be used.
func NewProxyAt(tb testing.TB, addr, target string) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{target: target, listener: l, pipes: map[*pipe]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.pumps.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// Addr returns the address, host:port, on which the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL returns the proxy's address as a store's URL.
func (p *Proxy) URL() string { return "valkey://" + p.Addr() }

// CutNextReply lets the next request reach the server, and then drops the reply
// and the connection.
func (p *Proxy) CutNextReply() { p.set(func() { p.cut = true }) }

// CutPending reports whether the cut of CutNextReply has not happened yet.
func (p *Proxy) CutPending() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

// HoldRequests holds back the bytes that clients send on the existing
// connections, even after the clients have closed them. Later connections are
// not affected. Release sends the bytes on.
func (p *Proxy) HoldRequests() {
	p.set(func() {
		for q := range p.pipes {
			q.held = true
		}
	})
}

// Block stops all bytes in one direction, as a partition does. Heal sends on
// those whose connection still exists.
func (p *Proxy) Block(d Direction) { p.set(func() { p.block[d] = true }) }

// Slow delays each chunk in one direction and limits its rate; 0 bytes per
// second = unlimited.
func (p *Proxy) Slow(d Direction, delay time.Duration, bytesPerSecond int) {
	p.set(func() { p.delay[d], p.rate[d] = delay, bytesPerSecond })
}

// Refuse drops all connections, and every new one immediately.
func (p *Proxy) Refuse() {
	p.set(func() {
		p.refuse = true
		for q := range p.pipes {
			shut(q.client)
			shut(q.server)
		}
	})
}

// Heal ends every fault and sends on the bytes that were held back.
func (p *Proxy) Heal() {
	p.set(func() {
		p.refuse, p.cut = false, false
		p.block, p.delay, p.rate = [2]bool{}, [2]time.Duration{}, [2]int{}
		for q := range p.pipes {
			q.held = false
		}
	})
}

// RewriteReplies passes each chunk that the server sends through f.
func (p *Proxy) RewriteReplies(f func(reply []byte) []byte) { p.set(func() { p.rewrite = f }) }

// Passed returns the number of bytes that have passed in one direction.
func (p *Proxy) Passed(d Direction) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed[d]
}

// shut closes c and ignores the error, because c is not needed any more.
func shut(c io.Closer) { _ = c.Close() }

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.changed.Broadcast()
}

func (p *Proxy) close() {
	p.set(func() {
		p.closed = true
		for q := range p.pipes {
			shut(q.client)
			shut(q.server)
		}
	})
	shut(p.listener)
	p.pumps.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			shut(client)
			continue
		}
		q := &pipe{client: client, server: server}
		p.mu.Lock()
		if p.refuse || p.closed {
			shut(client)
			shut(server)
		} else {
			p.pipes[q] = true
			p.pumps.Go(func() { p.pump(q, ToServer, client, server) })
			p.pumps.Go(func() { p.pump(q, ToClient, server, client) })
		}
		p.mu.Unlock()
	}
}

// pump copies one direction of one connection. Bytes that the client sent
// before it closed the connection still go to the server.
func (p *Proxy) pump(q *pipe, d Direction, from, to net.Conn) {
	defer func() {
		if d == ToServer {
			if tcp, ok := to.(*net.TCPConn); ok {
				_ = tcp.CloseWrite() // the reply may still come
			}
			return
		}
		shut(from)
		shut(to)
		p.set(func() { delete(p.pipes, q) })
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !p.pass(q, d, to, buf[:n]) {
			return
		}
		if err != nil {
			return
		}
	}
}

// pass writes a chunk once no fault holds it back, and reports whether the
// connection is still open.
func (p *Proxy) pass(q *pipe, d Direction, to net.Conn, chunk []byte) bool {
	p.mu.Lock()
	for !p.closed && (p.block[d] || d == ToServer && q.held) {
		p.changed.Wait()
	}
	if p.closed {
		p.mu.Unlock()
		return false
	}
	if d == ToClient && p.cut {
		p.cut = false
		p.mu.Unlock()
		shut(q.client)
		return false
	}
	if d == ToClient && p.rewrite != nil {
		chunk = p.rewrite(chunk)
	}
	delay, rate := p.delay[d], p.rate[d]
	p.passed[d] += int64(len(chunk))
	p.mu.Unlock()
	for len(chunk) > 0 {
		part := len(chunk)
		if rate > 0 {
			part = min(part, max(rate/50, 1))
			delay += time.Duration(part) * time.Second / time.Duration(rate)
		}
		if delay > 0 {
			<-time.After(delay)
			delay = 0
		}
		if _, err := to.Write(chunk[:part]); err != nil && d == ToServer {
			return false
		}
		chunk = chunk[part:]
	}
	return true
}
