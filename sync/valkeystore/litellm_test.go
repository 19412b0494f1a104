package valkeystore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
	"github.com/plimsoll-dev/plimsoll/window"
)

// proxyPod does to the server what a LiteLLM proxy does, command for command.
type proxyPod struct {
	tb     testing.TB
	server *servertest.Server
}

// push is its batched increment: INCRBYFLOAT, and a TTL on creation.
func (p proxyPod) push(key, by string) {
	p.server.Do(p.tb, "INCRBYFLOAT", key, by)
	if p.server.Do(p.tb, "TTL", key) == int64(-1) {
		p.server.Do(p.tb, "EXPIRE", key, "60")
	}
}

// add is its synchronous increment, which fails on anything but an integer.
func (p proxyPod) add(key, by string) {
	p.server.Do(p.tb, "INCRBY", key, by)
	p.server.Do(p.tb, "EXPIRE", key, "60")
}

func (p proxyPod) read(keys ...string) any {
	return p.server.Do(p.tb, append([]string{"MGET"}, keys...)...)
}

func TestLiteLLM(t *testing.T) {
	server := servertest.Start(t)
	pod := proxyPod{t, server}
	n := newNode(t, open(t, server.URL(), valkeystore.Config{
		KeyFormat: valkeystore.FormatLiteLLM, Model: func(id string) string { return "azure/" + id },
	}))
	at := begin()
	minute := time.Unix(at, 0).UTC().Format("15-04")
	tpm, rpm := "dep-1:azure/dep-1:tpm:"+minute, "dep-1:azure/dep-1:rpm:"+minute

	// We create, the pod goes on.
	n.add(tally("dep-1", at, 3, 500))
	pod.push(rpm, "1")
	pod.push(tpm, "250.0")
	pod.add(rpm, "1")
	if got, want := fmt.Sprint(pod.read(tpm, rpm)), "[750 5]"; got != want {
		t.Errorf("the pod reads %s, want %s", got, want)
	}
	if got, want := n.add(tally("dep-1", at, 1, 1)).Totals[0], tally("dep-1", at, 6, 751); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}

	// The pod creates, we go on, and its TTL stays.
	other := "dep-2:azure/dep-2:rpm:" + minute
	pod.push(other, "4")
	server.Do(t, "EXPIRE", other, "33")
	if got, want := n.add(tally("dep-2", at, 1, 0)).Totals[0], tally("dep-2", at, 5, 0); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
	if left := server.Do(t, "TTL", other).(int64); left > 33 {
		t.Errorf("TTL = %d, want the pod's", left)
	}

	// Keys of ours live as long as LiteLLM's; markers keep out of its way.
	if left := server.Do(t, "TTL", tpm).(int64); left < 1 || left > 60 {
		t.Errorf("TTL = %d, want at most 60", left)
	}
	for _, key := range server.Do(t, "KEYS", "*").([]any) {
		if key := key.(string); !strings.HasPrefix(key, "plimsoll2:{default.0}:") && !strings.Contains(key, "pm:"+minute) {
			t.Errorf("key %q is neither LiteLLM's nor under our prefix", key)
		}
	}

	// What a pod writes with a fraction can be read, but not added to.
	pod.push(tpm, "0.5")
	r := n.add(tally("dep-1", at, 1, 7))
	if want := []window.Tally{tally("dep-1", at, 0, 7)}; fmt.Sprint(r.Refused) != fmt.Sprint(want) {
		t.Errorf("refused = %v, want %v", r.Refused, want)
	}
	if got, want := r.Totals[0], tally("dep-1", at, 7, 751); got != want {
		t.Errorf("total = %v, want %v", got, want)
	}
	ttls(t, server)
}

// LiteLLM's keys go after a minute, so an old window's may have to be made
// again: with a TTL, or the same minute of tomorrow would begin with it.
func TestLiteLLMLateCounts(t *testing.T) {
	server := servertest.Start(t)
	n := newNode(t, open(t, server.URL(), valkeystore.Config{
		KeyFormat: valkeystore.FormatLiteLLM, Model: func(string) string { return "m" },
	}))
	at := begin() - 60
	n.add(tally("a", at, 1, 10))
	minute := time.Unix(at, 0).UTC().Format("15-04")
	for _, kind := range []string{"tpm", "rpm"} {
		server.Do(t, "DEL", "a:m:"+kind+":"+minute) // as if a minute had passed
	}
	n.add(tally("a", at, 2, 20))
	ttls(t, server)
	if left := server.Do(t, "TTL", "a:m:tpm:"+minute).(int64); left > 60 {
		t.Errorf("TTL = %d, want at most 60", left)
	}
}
