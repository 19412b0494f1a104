package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// Remedied adds the remedy to an error of a file or an address that the process has no right
// to use, and of an address in use. It returns other errors unchanged.
func Remedied(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; another process listens there, or the flags of this one name the address twice: end the other, or choose another address", err)
	}
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if listen, ok := errors.AsType[*net.OpError](err); ok && listen.Op == "listen" && strings.HasPrefix(listen.Net, "tcp") {
		return fmt.Errorf("%w; ports below 1024 need AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit, or a socket that systemd opens (plimsoll.socket)", err)
	}
	return fmt.Errorf("%w; the user with the number %d, as which this process runs, needs the right to it: chown or chmod it, or change User= in the unit", err, os.Geteuid())
}
