package transport

import (
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7), which package syscall does not name.
const tcpUserTimeout = 18

// boundUnacknowledged ends a connection on which sent data is not acknowledged for as
// long as a dead HTTP/2 connection may last: HTTP/1.1 has no pings.
func boundUnacknowledged(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// A kernel that refuses it has the bound of its retransmissions.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int((pingAfter+pingWait)/time.Millisecond))
	})
}
