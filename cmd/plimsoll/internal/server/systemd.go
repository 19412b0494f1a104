package server

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstInherited is the first descriptor that systemd hands over: sd_listen_fds(3).
const firstInherited = 3

// Inherited returns the listeners that systemd opened for this process, none if
// it did not. It is to be called once.
func Inherited(getenv func(string) string) ([]net.Listener, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || n < 0 || n > 100 {
		return nil, fmt.Errorf("LISTEN_FDS is %q; want a number of sockets", getenv("LISTEN_FDS"))
	}
	var list []net.Listener
	for fd := firstInherited; fd < firstInherited+n; fd++ {
		f := os.NewFile(uintptr(fd), "inherited socket")
		l, err := net.FileListener(f) // a copy
		_ = f.Close()
		if err != nil {
			for _, l := range list {
				_ = l.Close()
			}
			return nil, fmt.Errorf("inherited socket %d: %w", fd, err)
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // its path is systemd's
		}
		list = append(list, l)
	}
	return list, nil
}

// Notify tells systemd a state, such as READY=1, if it wants to know:
// sd_notify(3).
func Notify(getenv func(string) string, state string) error {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	if path[0] == '@' {
		path = "\x00" + path[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_, err = c.Write([]byte(state))
	return err
}
