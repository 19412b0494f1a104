package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/cli/cmdline"
)

// Main runs the command that the process's arguments name, and ends the process.
func Main() {
	os.Exit(Run(untilSignal(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// untilSignal returns a context that ends at the first SIGINT or SIGTERM. A SIGINT, or
// a second signal, hurries the end. The signal after that ends the process at once.
func untilSignal() context.Context {
	ctx, end := context.WithCancel(context.Background())
	hurry := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := <-signals
		end()
		if first == syscall.SIGTERM {
			<-signals
		}
		close(hurry)
		signal.Stop(signals)
	}()
	return cmdline.WithHurry(ctx, hurry)
}
