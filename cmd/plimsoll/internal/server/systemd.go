package server

import (
	"errors"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
	systemd "github.com/coreos/go-systemd/v22/daemon"
)

// Inherited returns the listeners that systemd has opened for this process; none if it
// has opened none. It must be called at most once: sd_listen_fds(3).
func Inherited() (list []net.Listener, err error) {
	for _, f := range activation.Files(true) {
		l, e := net.FileListener(f) // a copy
		_ = f.Close()
		if e != nil {
			err = errors.Join(err, fmt.Errorf("inherited socket %s: %w", f.Name(), e))
			continue
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // its path is systemd's
		}
		list = append(list, l)
	}
	if err != nil {
		for _, l := range list {
			_ = l.Close()
		}
		return nil, err
	}
	return list, nil
}

// Ready notifies systemd that the process serves requests, and Stopping that it shuts down.
// Without systemd they do nothing: sd_notify(3).
func Ready() error { return notify(systemd.SdNotifyReady) }

// Stopping notifies systemd that the process shuts down.
func Stopping() error { return notify(systemd.SdNotifyStopping) }

func notify(state string) error {
	_, err := systemd.SdNotify(false, state)
	return err
}
