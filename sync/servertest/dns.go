package servertest

import (
	"context"
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"
)

// DNS is a name server that answers every name with one address.
type DNS struct {
	addr  atomic.Pointer[[4]byte]
	asked atomic.Int64
}

// StartDNS makes this process resolve names by a new DNS until the test ends.
func StartDNS(tb testing.TB) *DNS {
	tb.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	d := &DNS{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.serve(conn)
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	tb.Cleanup(func() {
		net.DefaultResolver = before
		shut(conn)
		<-done
	})
	return d
}

// Point moves all names to an IPv4 address, such as "127.0.0.2".
func (d *DNS) Point(ip string) {
	a := [4]byte(net.ParseIP(ip).To4())
	d.addr.Store(&a)
}

// Asked returns the number of queries for an address.
func (d *DNS) Asked() int64 { return d.asked.Load() }

const (
	dnsHeader = 12
	typeA     = 1
)

func (d *DNS) serve(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return // closed
		}
		if reply := d.answer(buf[:n]); reply != nil {
			_, _ = conn.WriteTo(reply, from) // datagrams may be lost
		}
	}
}

// answer returns a reply with the question (RFC 1035, section 4.1) and, if it
// asks for an IPv4 address, with the address and a TTL of 0.
func (d *DNS) answer(query []byte) []byte {
	end := dnsHeader
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	if end += 5; end > len(query) { // the last label, type and class
		return nil
	}
	reply := append([]byte(nil), query[:end]...)
	copy(reply[2:dnsHeader], []byte{0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0}) // an authoritative answer, one question
	if a := d.addr.Load(); a != nil && binary.BigEndian.Uint16(query[end-4:]) == typeA {
		d.asked.Add(1)
		reply[7] = 1                                                             // answer
		reply = append(reply, 0xc0, dnsHeader, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4) // to the question's name
		reply = append(reply, a[:]...)
	}
	return reply
}
