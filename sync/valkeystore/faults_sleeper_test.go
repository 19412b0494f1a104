package valkeystore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// sleeperURL names, in its environment, the server that a process of its own shares, and
// sleeperMode how it keeps its limit together.
const (
	sleeperURL  = "PLIMSOLL_SLEEPER_URL"
	sleeperMode = "PLIMSOLL_SLEEPER_MODE"
)

// sleeperLimit is the limit of the one deployment of a sleeper and its peer.
const sleeperLimit = 600

// peer is a node with one deployment.
type peer struct {
	group  *engine.Group
	ref    engine.Ref
	syncer *syncer.Syncer
	stop   func()
}

func newPeer(tb testing.TB, url string, mode syncer.Mode) *peer {
	tb.Helper()
	clock := window.NewClock()
	e, err := engine.New(engine.Config{
		Clock: clock, Deployments: []engine.Deployment{{ID: "sleeper", Group: "chat", Limits: engine.Limits{RPM: sleeperLimit}}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	store, err := valkeystore.Open(url, valkeystore.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := syncer.New(e, store, syncer.Config{Clock: clock, Mode: mode, Deployments: func(dst []string) []string { return append(dst, "sleeper") }})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	p := &peer{syncer: s}
	p.stop = func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		store.Close()
	}
	if p.ref, err = e.Ref("sleeper"); err != nil {
		tb.Fatal(err)
	}
	if p.group, err = e.Group("chat"); err != nil {
		tb.Fatal(err)
	}
	return p
}

// use admits up to n requests.
func (p *peer) use(n int) (admitted int) {
	for range n {
		if p.ref.PreCheck(engine.Demand{}) {
			admitted++
		}
	}
	return admitted
}

// useGranted is use that waits for grants.
func (p *peer) useGranted(n int) (admitted int) {
	for range n {
		if lease, err := p.group.AcquireGranted(context.Background(), engine.Demand{}); err == nil {
			lease.SettleReserved()
			admitted++
		}
	}
	return admitted
}

// TestSleeperProcess is the process that rowSleeper stops: for each number on its input it
// answers how many requests it has admitted of so many.
func TestSleeperProcess(t *testing.T) {
	url := os.Getenv(sleeperURL)
	if url == "" {
		t.Skip("make faults starts it as a process of its own")
	}
	mode, err := syncer.ParseMode(os.Getenv(sleeperMode))
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, url, mode)
	defer p.stop()
	use := p.use
	if mode != syncer.Usage {
		use = p.useGranted
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		n, err := strconv.Atoi(in.Text())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("admitted %d\n", use(n))
	}
}

// sleeper is that process.
type sleeper struct {
	t   testing.TB
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Scanner
}

func startSleeper(t testing.TB, url string, mode syncer.Mode) *sleeper {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSleeperProcess$")
	cmd.Env = append(os.Environ(), sleeperURL+"="+url, sleeperMode+"="+mode.String())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	return &sleeper{t, cmd, in, bufio.NewScanner(out)}
}

func (s *sleeper) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sleeper) ask(n int) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.in, n); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sleeper) admitted() int {
	s.t.Helper()
	for s.out.Scan() {
		if n, found := strings.CutPrefix(s.out.Text(), "admitted "); found {
			admitted, err := strconv.Atoi(n)
			if err != nil {
				s.t.Fatal(err)
			}
			return admitted
		}
	}
	s.t.Fatal("the process has ended")
	return 0
}

// rowSleeper stops the process of one of two nodes for 3 and 20 s, while the other uses up
// the limit; what it is asked meanwhile it decides first when it goes on.
func rowSleeper(t underTest) string {
	server := servertest.Start(t)
	p := newPeer(t, server.URL(), syncer.Usage)
	defer p.stop()
	s := startSleeper(t, server.URL(), syncer.Usage)
	servertest.Until(t, "both nodes know of each other", func() bool { return p.syncer.Stats().Nodes == 2 })
	var text []string
	for _, still := range []time.Duration{3 * time.Second, 20 * time.Second} {
		if left := 60 - time.Now().Second(); left < int(still/time.Second)+10 || len(text) > 0 {
			pause(time.Duration(left)*time.Second + 2*time.Second) // all within one minute, and none of it is used
		}
		s.ask(100)
		if n := s.admitted(); n != 100 {
			t.Errorf("the node admitted %d of 100 before it was stopped", n)
		}
		pause(1500 * time.Millisecond) // an idle deployment is read once a second
		s.signal(syscall.SIGSTOP)
		rest := p.use(700)
		pause(still)
		s.ask(700)
		s.signal(syscall.SIGCONT)
		first := s.admitted()
		pause(time.Second)
		s.ask(700)
		later := s.admitted()
		const share = (sleeperLimit - 100) / 2
		left := max(sleeperLimit-100-rest-first, 0)
		if rest > sleeperLimit-100 || rest < sleeperLimit-110 || first > share || later > left {
			t.Errorf("stopped for %v: the other admitted %d; it admitted %d at once, want at most %d, then %d, want at most %d", still, rest, first, share, later, left)
		}
		text = append(text, fmt.Sprintf("%v: %d of %d at once, then %d", still, first, sleeperLimit, later))
	}
	ttls(t, server)
	return "stopped for " + strings.Join(text, "; ")
}

// rowEscrowSleeper stops the process of one of two nodes for three seconds, while the other uses what it can: what the stopped
// one was granted is still its own, and nothing more.
func rowEscrowSleeper(t underTest) string {
	server := servertest.Start(t)
	p := newPeer(t, server.URL(), syncer.Escrow)
	s := startSleeper(t, server.URL(), syncer.Escrow)
	servertest.Until(t, "both nodes know of each other", func() bool { return p.syncer.Stats().Nodes == 2 && p.syncer.Stats().Opens == 0 })
	if left := 60 - time.Now().Second(); left < 15 {
		pause(time.Duration(left)*time.Second + 2*time.Second) // all within one minute
	}
	used := p.useGranted(50)
	s.ask(100)
	used += s.admitted()
	s.signal(syscall.SIGSTOP)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); pause(20 * time.Millisecond) {
		used += p.useGranted(20)
	}
	s.ask(700)
	s.signal(syscall.SIGCONT)
	first := s.admitted()
	used += first
	pause(time.Second)
	s.ask(700)
	later := s.admitted()
	used += later + p.useGranted(100)
	if used > sleeperLimit || used < sleeperLimit*99/100 {
		t.Errorf("%d of %d were admitted", used, sleeperLimit)
	}
	p.stop()
	ttls(t, server)
	return fmt.Sprintf("stopped for 3s: %d at once, then %d; in all %d of %d", first, later, used, sleeperLimit)
}
