package valkeystore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/internal/servertest"
)

func percentile(of []float64, p int) float64 {
	of = slices.Sorted(slices.Values(of))
	return of[min(len(of)*p/100, len(of)-1)]
}

// rowPartition cuts nodes off, which then keep to their frozen share, and heals.
func rowPartition(t underTest) string {
	limits := engine.Limits{RPM: 60, TPM: 1 << 40}
	f, server := newFleet(t, limits) // at about 4000 requests a second a deployment is full in a second or two
	servertest.Until(t, "every node knows of the others", func() bool {
		for _, g := range f.gateways {
			if g.syncer.Stats().Nodes < fleetSize {
				return false
			}
		}
		return true
	})
	if left := 60 - time.Now().Second(); left < 20 {
		pause(time.Duration(left)*time.Second + 100*time.Millisecond) // all within one minute
	}
	f.gateways[0].proxy.Block(servertest.ToServer)
	f.gateways[0].proxy.Block(servertest.ToClient)
	pause(3 * time.Second)
	f.gateways[1].proxy.Block(servertest.ToClient) // hears nothing, is heard
	pause(3 * time.Second)
	for _, g := range f.gateways {
		g.proxy.Heal()
	}
	text := f.summary(server.URL(), server)
	worst := int64(0)
	for _, sum := range own(f.gateways...) {
		worst = max(worst, sum.Requests-limits.RPM)
	}
	// A node cut off may use its part of what was left when it last heard, which
	// is a quarter of a limit, and half of it at most.
	if worst > limits.RPM/2 {
		t.Errorf("%d requests over a limit of %d", worst, limits.RPM)
	}
	return text + fmt.Sprintf("; most over a limit of %d: %d", limits.RPM, worst)
}

// TestNode is a node for rowNodeKilled, in a process of its own.
func TestNode(t *testing.T) {
	url := os.Getenv("PLIMSOLL_FAULTS_NODE")
	if url == "" {
		t.Skip("rowNodeKilled runs this")
	}
	f := &fleet{t: t, deployments: fleetCounts}
	g := f.join(url, 0)
	f.load()
	defer f.rest()
	for range 10_000 { // until killed
		pause(5 * time.Millisecond)
		fmt.Println("used", requests(own(g)))
	}
}

func rowNodeKilled(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	const kills = 5
	var used []int64
	for range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNode$", "-test.v")
		cmd.Env = append(os.Environ(), "PLIMSOLL_FAULTS_NODE="+server.URL())
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Kill it in mid-flight, and read what it said it had used.
		kill := time.AfterFunc(between(1200*time.Millisecond, 2*time.Second), func() { _ = cmd.Process.Kill() })
		var last int64
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var n int64
			if _, err := fmt.Sscanf(lines.Text(), "used %d", &n); err == nil {
				last = n
			}
		}
		kill.Stop()
		_ = cmd.Wait() // killed
		used = append(used, last)
	}
	f.rest()
	pause(2 * time.Second) // the living tell what is left
	want := own(f.gateways...)
	living, total := requests(want), requests(f.stored(server.URL(), want))
	var dead int64
	for _, n := range used {
		dead += n
	}
	missing := living + dead - total
	// A node takes 1000 leases a second: an interval of 100 ms, jitter, the round
	// trip and the 5 ms between two lines.
	if most := int64(kills * 200); missing > most || missing < -int64(kills*20) {
		t.Errorf("%d requests of %d dead nodes are missing, want at most %d", missing, kills, most)
	}
	ttls(t, server)
	return fmt.Sprintf("%d nodes killed: %d of their %d requests missing, %d a node; %d of the living", kills, missing, dead, missing/kills, living)
}

func rowShutdown(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	pause(time.Second)
	up := f.gateways[0].leave()
	n := f.exact(server.URL())
	server.Stop(t)
	f.load()
	pause(300 * time.Millisecond)
	f.gateways[1].idle()
	f.gateways[1].work.Wait()
	began := time.Now()
	f.gateways[1].stop()
	<-f.gateways[1].ended
	away := time.Since(began)
	server.Continue(t)
	if up > 600*time.Millisecond || away > 600*time.Millisecond {
		t.Errorf("stopping took %v with the store, %v without, want at most 500 ms", up, away)
	}
	ttls(t, server)
	return fmt.Sprintf("%d requests exact; stopped within %v, with the store away %v", n, up.Round(time.Millisecond), away.Round(time.Millisecond))
}

func rowJoin(t underTest) string {
	f, server := newFleet(t, engine.Limits{})
	pause(time.Second)
	f.rest()
	server.Stop(t)
	early := f.join(server.URL(), 0) // while the store is away
	g := early.group
	if _, ok := g.Pick(engine.Demand{InputTokens: 1}); !ok {
		t.Error("a node that has not met the store picks nothing")
	}
	pause(500 * time.Millisecond)
	server.Continue(t)
	for range 46 {
		f.join(server.URL(), 0)
	}
	f.load()
	began := time.Now()
	servertest.Until(t, "fifty nodes know each other", func() bool {
		for _, g := range f.gateways {
			if g.syncer.Stats().Nodes < len(f.gateways) {
				return false
			}
		}
		return true
	})
	met := time.Since(began)
	pause(2 * time.Second)
	text := f.summary(server.URL(), server)
	return text + fmt.Sprintf("; %d nodes met within %v", len(f.gateways), met.Round(100*time.Millisecond))
}

func rowRollover(t underTest) string {
	now := time.Now()
	if left := time.Duration(60-now.Second()) * time.Second; left > 3*time.Second {
		pause(left - 3*time.Second)
	}
	f, server := newFleet(t, engine.Limits{})
	boundary := time.Unix(begin()+60, 0)
	pause(time.Until(boundary.Add(-300 * time.Millisecond)))
	server.Stop(t)
	pause(time.Until(boundary.Add(700 * time.Millisecond)))
	server.Continue(t)
	pause(time.Second)
	text := f.summary(server.URL(), server)
	var old int64
	for p, sum := range own(f.gateways...) {
		if p.start < boundary.Unix() {
			old += sum.Requests
		}
	}
	expect(t, "requests in the minute that ended", old)
	return text + fmt.Sprintf("; %d of them in the minute that ended", old)
}

func rowClocks(t underTest) string {
	server := servertest.Start(t)
	f := &fleet{t: t, deployments: fleetCounts}
	for _, skew := range []time.Duration{-500 * time.Millisecond, 500 * time.Millisecond, 0, 20 * time.Millisecond} {
		f.join(server.URL(), skew)
	}
	f.load()
	pause(8 * time.Second)
	worst := time.Duration(0)
	for i, skew := range []time.Duration{-500 * time.Millisecond, 500 * time.Millisecond, 0, 20 * time.Millisecond} {
		// The store runs on this machine's clock: what is followed takes the skew away.
		worst = max(worst, (f.gateways[i].syncer.Stats().Offset + skew).Abs())
	}
	return f.summary(server.URL(), server) + fmt.Sprintf("; furthest from the store's clock after 8 s: %v", worst.Round(time.Millisecond))
}

func rowLimit(t underTest) string {
	limits := engine.Limits{RPM: 1_000_000}
	f, server := newFleet(t, limits)
	pause(time.Second)
	apply := func(rpm int64) {
		f.limits.RPM = rpm
		for _, g := range f.gateways {
			cfg := f.config()
			if err := g.engine.Apply(cfg); err != nil {
				t.Fatal(err)
			}
		}
	}
	apply(1)
	pause(200 * time.Millisecond)
	low := requests(own(f.gateways...))
	pause(time.Second)
	if second := time.Now().Second(); second > 1 {
		if more := requests(own(f.gateways...)) - low; more > 0 && time.Now().Second() >= second {
			t.Errorf("%d requests were admitted above a lowered limit", more)
		}
	}
	apply(1_000_000)
	pause(time.Second)
	if requests(own(f.gateways...)) <= low {
		t.Error("nothing was admitted after the limit was raised")
	}
	return f.summary(server.URL(), server)
}
