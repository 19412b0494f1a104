package server

import (
	"log/slog"
	"syscall"
)

// spareDescriptors are for what is no client's connection: files, the store, and
// connections to providers.
const spareDescriptors = 256

// CheckDescriptors warns where the process may not open as many files as connections
// ask for; 0 = the server's default number of connections.
func CheckDescriptors(connections int, log *slog.Logger) {
	if connections == 0 {
		connections = defaultConnections
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return // nothing is known
	}
	if need := uint64(connections) + spareDescriptors; limit.Cur < need {
		log.Warn("fewer files may be open than --max-connections needs: raise LimitNOFILE (ulimit -n) or lower --max-connections",
			"limit", limit.Cur, "needed", need, "max_connections", connections)
	}
}
