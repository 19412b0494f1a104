package servertest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// MasterSet is the name of the primary in the Sentinels of a test.
const MasterSet = "plimsoll"

// Sentinels is a primary with a replica, and Sentinels that fail over between
// the two.
type Sentinels struct {
	Servers   []*Server // the first is the initial primary
	Sentinels []*Server
}

// StartSentinels runs a primary, a replica and three Sentinels until the test
// ends. The Sentinels replace a primary after it has been away for a second.
func StartSentinels(tb testing.TB) *Sentinels {
	tb.Helper()
	s := &Sentinels{Servers: []*Server{Start(tb), Start(tb)}}
	primary, replica := s.Servers[0], s.Servers[1]
	replica.Do(tb, "REPLICAOF", "127.0.0.1", strconv.Itoa(primary.Port))
	Until(tb, "the replica is in step", func() bool { return replica.Info(tb, "replication", "master_link_status") == "up" })
	for range 3 {
		s.Sentinels = append(s.Sentinels, startSentinel(tb, primary))
	}
	for _, w := range s.Sentinels {
		Until(tb, "the Sentinels know everybody", func() bool {
			info := w.Do(tb, "INFO", "sentinel").(string)
			return strings.Contains(info, "status=ok") && strings.Contains(info, "slaves=1") && strings.Contains(info, "sentinels=3")
		})
	}
	return s
}

func startSentinel(tb testing.TB, primary *Server) *Server {
	tb.Helper()
	s := &Server{Port: FreePort(tb), Dir: tb.TempDir(), binary: Binary(tb)}
	conf := filepath.Join(s.Dir, "sentinel.conf") // it writes there what it learns
	text := fmt.Sprintf(`port %d
bind 127.0.0.1
dir %s
sentinel monitor %[3]s 127.0.0.1 %[4]d 2
sentinel down-after-milliseconds %[3]s 1000
sentinel failover-timeout %[3]s 5000
sentinel parallel-syncs %[3]s 1
`, s.Port, s.Dir, MasterSet, primary.Port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	s.args = []string{conf, "--sentinel"}
	tb.Cleanup(func() { s.Kill(tb) })
	s.Run(tb)
	s.Await(tb)
	return s
}

// URL returns the address of the Sentinels as a store's URL.
func (s *Sentinels) URL() string {
	var more strings.Builder
	for _, w := range s.Sentinels[1:] {
		more.WriteString("&addr=" + w.Addr())
	}
	return s.Sentinels[0].URL() + "?master_set=" + MasterSet + more.String()
}

// Primary returns the server that the Sentinels report as primary.
func (s *Sentinels) Primary(tb testing.TB) *Server {
	tb.Helper()
	addr := s.Sentinels[0].Do(tb, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterSet).([]any)
	for _, server := range s.Servers {
		if strconv.Itoa(server.Port) == addr[1] {
			return server
		}
	}
	tb.Fatalf("the primary is at %v, which is none of this test", addr)
	return nil
}
