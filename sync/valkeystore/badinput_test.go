package valkeystore_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
)

// garbage is the address of something that answers everything with answer.
func garbage(t testing.TB, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				buf := make([]byte, 4096)
				for {
					n, err := conn.Read(buf)
					if err != nil {
						return
					}
					for range strings.Count(string(buf[:n]), "*") {
						if _, err := io.WriteString(conn, answer); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestBadStore: whatever is wrong with a store, a node says so once, with the
// reason, counts the failures and goes on deciding; what it used meanwhile is
// reported when all is well again.
func TestBadStore(t *testing.T) {
	do := func(args ...string) func(testing.TB, *servertest.Server) {
		return func(t testing.TB, s *servertest.Server) { s.Do(t, args...) }
	}
	for _, tt := range []struct {
		name         string
		args         []string                             // of the server
		url          func(addr string) string             // nil = its address
		breaks       func(testing.TB, *servertest.Server) // before the node starts
		mends        func(testing.TB, *servertest.Server) // nil = it stays so
		want, secret string                               // in the line, and not in it
	}{
		{
			name: "nothing listens", want: "refused",
			breaks: func(t testing.TB, s *servertest.Server) { s.Kill(t) },
			mends:  func(t testing.TB, s *servertest.Server) { s.Run(t); s.Await(t) },
		},
		{
			name: "wrong password", want: "WRONGPASS", secret: "hunter2",
			url:    func(addr string) string { return "valkey://gw:hunter2@" + addr },
			breaks: do("ACL", "SETUSER", "gw", "on", ">right", "~*", "+@all"),
			mends:  do("ACL", "SETUSER", "gw", ">hunter2"),
		},
		{
			name: "no right to count", want: "incrby",
			breaks: do("ACL", "SETUSER", "default", "-incrby"), mends: do("ACL", "SETUSER", "default", "+incrby"),
		},
		{
			name: "no right to these keys", want: "NOPERM",
			breaks: do("ACL", "SETUSER", "default", "resetkeys", "~other:*"), mends: do("ACL", "SETUSER", "default", "allkeys"),
		},
		{
			name: "full", want: "OOM", args: []string{"--maxmemory-policy", "noeviction"},
			breaks: do("CONFIG", "SET", "maxmemory", "1"), mends: do("CONFIG", "SET", "maxmemory", "0"),
		},
		{
			name: "loading", want: "LOADING", args: []string{"--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024"},
			breaks: func(t testing.TB, s *servertest.Server) {
				s.Do(t, "DEBUG", "POPULATE", "4000", "filler", "100")
				s.Do(t, "SAVE")
				s.Kill(t)
				s.Run(t)
				servertest.Until(t, "the server listens", func() bool {
					c, err := net.Dial("tcp", s.Addr())
					return err == nil && c.Close() == nil
				})
			},
			mends: func(t testing.TB, s *servertest.Server) { s.Await(t); s.Do(t, "FLUSHALL") },
		},
		{
			name: "a replica", want: "READONLY",
			breaks: do("REPLICAOF", "127.0.0.1", "1"), mends: do("REPLICAOF", "NO", "ONE"),
		},
		{
			name: "no Valkey", want: "not use Valkey",
			url: func(string) string { return "valkey://" + garbage(t, "$99999999999\r\n") },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := servertest.Start(t, tt.args...)
			url := server.URL()
			if tt.url != nil {
				url = tt.url(server.Addr())
			}
			if tt.breaks != nil {
				tt.breaks(t, server)
			}
			f := &fleet{t: t, deployments: 3, limits: engine.Limits{RPM: 1_000_000}}
			g := f.join(url, 0)
			f.load()
			away := func() bool { return g.syncer.Stats().Away }
			servertest.Until(t, "the store is away", away)
			before := requests(own(g))
			servertest.Until(t, "the node goes on deciding", func() bool { return requests(own(g)) > before+100 })
			st := g.syncer.Stats()
			if st.Failures == 0 || !st.Away {
				t.Errorf("stats = %+v, want failures", st)
			}
			if tt.mends != nil {
				tt.mends(t, server)
				servertest.Until(t, "the store is back", func() bool { return !away() })
				f.exact(server.URL())
			}
			var lines []string
			for _, line := range f.log.lines() {
				if strings.Contains(line, "store away") {
					lines = append(lines, line)
				}
				if tt.secret != "" && strings.Contains(line, tt.secret) {
					t.Errorf("a secret is in the log: %s", line)
				}
			}
			if len(lines) != 1 || !strings.Contains(lines[0], tt.want) {
				t.Errorf("log = %q, want one line with %q", lines, tt.want)
			}
		})
	}
}
