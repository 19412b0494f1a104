package servertest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is the longest time that a test waits for a server.
const patience = 20 * time.Second

// Binary returns the path of the server's program: that of the environment
// variable PLIMSOLL_SERVER, else of valkey-server, else of redis-server. If
// there is none, the test fails, because it would not test anything. With
// PLIMSOLL_NO_SERVER=1 it is skipped instead, except under CI.
func Binary(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{os.Getenv("PLIMSOLL_SERVER"), "valkey-server", "redis-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("PLIMSOLL_NO_SERVER") == "1" && os.Getenv("CI") == "" {
		tb.Skip("no valkey-server or redis-server, and PLIMSOLL_NO_SERVER=1: what it would show is not shown")
	}
	tb.Fatal("no valkey-server or redis-server: run .ci/install-valkey, or set PLIMSOLL_NO_SERVER=1 to leave these tests out")
	return ""
}

// Server is one server process.
type Server struct {
	Port int
	Dir  string // directory of its files

	args   []string
	binary string
	cmd    *exec.Cmd
	exited chan struct{}
	leash  io.WriteCloser
}

// Start runs a server until the test ends. Args are added to its command line;
// "--appendonly", "yes" makes it save its data, which it does not do otherwise.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	s := &Server{Port: FreePort(tb), Dir: tb.TempDir(), binary: Binary(tb)}
	s.args = append([]string{
		"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--dir", s.Dir,
		"--save", "", "--appendonly", "no", "--enable-debug-command", "local",
		"--repl-diskless-sync-delay", "0", "--loglevel", "warning",
	}, args...)
	tb.Cleanup(func() { s.Kill(tb) })
	s.Run(tb)
	s.Await(tb)
	return s
}

// Addr returns the address, host:port, on which the server listens.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.Port) }

// URL returns the server's address as a store's URL.
func (s *Server) URL() string { return "valkey://" + s.Addr() }

// Run starts the process again after Kill, on the same port and files. Args are
// added to its command line, for later runs too. It does not wait until the
// server replies; Await does.
func (s *Server) Run(tb testing.TB, args ...string) {
	tb.Helper()
	s.args = append(s.args, args...)
	log, err := os.OpenFile(filepath.Join(s.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer shut(log)
	s.cmd = exec.Command(s.binary, s.args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	s.tie(tb)
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait() // killed, as a rule
		close(exited)
	}(s.cmd, s.exited)
}

// tie starts a process that kills the server when this process ends without
// having done so.
func (s *Server) tie(tb testing.TB) {
	tb.Helper()
	leash := exec.Command("sh", "-c", `read -r done && exit; kill -9 "$1" 2>/dev/null`, "sh", strconv.Itoa(s.cmd.Process.Pid))
	in, err := leash.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := leash.Start(); err != nil {
		tb.Fatal(err)
	}
	s.leash = in
	go func() { _ = leash.Wait() }() // it ends with the server
}

// Kill ends the process immediately, as a crash does. It does nothing if the
// process does not run.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.exited
	_, _ = io.WriteString(s.leash, "done\n")
	shut(s.leash)
	s.cmd = nil
}

// Stop freezes the process: connections stay open, and the server does not reply.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	s.signal(tb, syscall.SIGSTOP)
}

// Continue resumes a frozen process.
func (s *Server) Continue(tb testing.TB) {
	tb.Helper()
	s.signal(tb, syscall.SIGCONT)
}

func (s *Server) signal(tb testing.TB, sig syscall.Signal) {
	tb.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		tb.Fatal(err)
	}
}

// PID returns the process ID of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Await waits until the server replies.
func (s *Server) Await(tb testing.TB) {
	tb.Helper()
	Until(tb, fmt.Sprintf("%s answers", s.Addr()), func() bool {
		select {
		case <-s.exited:
			log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			tb.Fatalf("the server ended: %s", log)
		default:
		}
		answer, err := Ask(s.Addr(), "PING")
		return err == nil && answer == "PONG" || err != nil && strings.HasPrefix(err.Error(), "NOAUTH")
	})
}

// Do sends a command and fails the test on an error. A reply is a string, an
// int64, nil, or []any of these.
func (s *Server) Do(tb testing.TB, args ...string) any {
	tb.Helper()
	answer, err := Ask(s.Addr(), args...)
	if err != nil {
		tb.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return answer
}

// Info returns a field of a section of the server's INFO. The test fails if
// there is no such field.
func (s *Server) Info(tb testing.TB, section, field string) string {
	tb.Helper()
	text, _ := s.Do(tb, "INFO", section).(string)
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), field+":"); found {
			return value
		}
	}
	tb.Fatalf("INFO %s has no %s", section, field)
	return ""
}

// Until waits until condition returns true. The test fails, naming what, if it
// does not within 20 seconds.
func Until(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatalf("not within %v: %s", patience, what)
		}
		<-tick.C
	}
}

// FreePort returns a port of the loopback that is free.
func FreePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer shut(l)
	return l.Addr().(*net.TCPAddr).Port
}
