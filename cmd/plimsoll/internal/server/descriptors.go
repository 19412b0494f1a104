package server

import (
	"log/slog"
	"syscall"
)

// spareDescriptors is the number of descriptors for everything except clients'
// connections: files, the store, and connections to providers.
const spareDescriptors = 256

// CheckDescriptors logs a warning if the process may open fewer files than the
// connections need; 0 = the server's default number of connections.
func CheckDescriptors(connections int, log *slog.Logger) {
	if connections == 0 {
		connections = defaultConnections
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return // the limit is not known
	}
	if need := uint64(connections) + spareDescriptors; limit.Cur < need {
		log.Warn("the limit on open files is too low for --max-connections: raise LimitNOFILE (ulimit -n) or lower --max-connections",
			"limit", limit.Cur, "needed", need, "max_connections", connections)
	}
}
