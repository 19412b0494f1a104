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

// patience is how long a server may take to do what it should.
const patience = 20 * time.Second

// Binary returns the server's program: what PLIMSOLL_SERVER names, else
// valkey-server, else redis-server. A test without one fails: its
// faults would not have been tried. PLIMSOLL_NO_SERVER=1 skips such tests
// where no server can be had, but not under CI.
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
	Dir  string // where it keeps its files

	args   []string
	binary string
	cmd    *exec.Cmd
	exited chan struct{}
	leash  io.WriteCloser
}

// Start runs a server until the test ends. Args are added to its command line,
// so "--appendonly", "yes" switches that on; it saves nothing by itself.
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

// Addr is where the server listens.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.Port) }

// URL is its address.
func (s *Server) URL() string { return "valkey://" + s.Addr() }

// Run starts the process again after Kill, on the same port and files, with args
// added for good. It does not wait until the server answers; Await does.
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

// tie has the server killed when this process ends without doing so itself.
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

// Kill ends the process at once, as a crash does; nothing happens if none runs.
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

// Stop freezes the process: connections stay open and nothing is answered.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	s.signal(tb, syscall.SIGSTOP)
}

// Continue wakes a frozen process.
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

// PID is the process's number.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Await waits until the server answers.
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

// Info returns one field of INFO.
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

// Until waits for a condition and fails the test if it does not come.
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
