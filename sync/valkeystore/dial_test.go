package valkeystore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/servertest"
	"github.com/plimsoll-dev/plimsoll/sync/valkeystore"
)

// A client outlives the context it was connected with, also its connection.
func TestDial(t *testing.T) {
	server := servertest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := valkeystore.Dial(ctx, server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	answers := func() bool {
		attempt, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return c.Do(attempt, c.B().Ping().Build()).Error() == nil
	}
	if !answers() {
		t.Fatal("no answer after the context's end")
	}
	server.Kill(t)
	server.Run(t)
	server.Await(t)
	servertest.Until(t, "it connects again", answers)
}

func TestDialFails(t *testing.T) {
	_, err := valkeystore.Dial(t.Context(), fmt.Sprintf("valkey://:hunter2@127.0.0.1:%d", servertest.FreePort(t)))
	if err == nil || !strings.Contains(err.Error(), "connecting: ") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := valkeystore.Dial(ctx, servertest.Start(t).URL()); err == nil {
		t.Error("connected under a context that had ended")
	}
}

// A server without HELLO, and without CLIENT or the right to it, is talked to in RESP2 over
// connections without a name.
func TestDialWithoutCommands(t *testing.T) {
	for name, taken := range map[string][]string{
		"HELLO":             {"HELLO"},
		"HELLO and CLIENT":  {"HELLO", "CLIENT"},
		"a right to CLIENT": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var renamed []string
			for _, command := range taken {
				renamed = append(renamed, "--rename-command", command, "")
			}
			server := servertest.Start(t, renamed...)
			if taken == nil {
				server.Do(t, "ACL", "SETUSER", "default", "-client")
			}
			n := newNode(t, open(t, server.URL(), valkeystore.Config{}))
			at := begin()
			n.add(tally("a", at, 1, 10))
			n.add(tally("a", at, 2, 20))
			if total := n.total("a", at); total.Requests != 3 || total.Tokens != 30 {
				t.Errorf("total = %+v", total)
			}
		})
	}
}
