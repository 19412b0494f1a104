package top

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Source tells what to show: a daemon, as a client sees it.
type Source interface {
	States(ctx context.Context) ([]engine.State, error)
	Store(ctx context.Context) (string, error) // how sharing goes, in a few words
}

// Watch is what Run does.
type Watch struct {
	Source   Source
	Name     string // of the source, in the head
	Interval time.Duration
	Out      io.Writer
	Look     func() Look // asked before each drawing: terminals change their size
}

const (
	enter = "\x1b[?1049h\x1b[?25l" // another screen, no cursor
	leave = "\x1b[?25h\x1b[?1049l"
	home  = "\x1b[H"
	wipe  = "\x1b[K" // the rest of the line
	below = "\x1b[J" // all lines that follow
)

// Once writes the table once.
func (w Watch) Once(ctx context.Context) error {
	states, head, err := w.ask(ctx)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w.Out, Table(head, states, w.Look()))
	return err
}

// Run draws the table over and over on a screen of its own until ctx ends, and
// leaves the terminal as it was. It fails if the first question does; later,
// the head says why there is nothing new.
func (w Watch) Run(ctx context.Context) error {
	states, head, err := w.ask(ctx)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w.Out, enter); err != nil {
		return err
	}
	defer func() { _, _ = io.WriteString(w.Out, leave) }()
	tick := time.NewTicker(w.Interval)
	defer tick.Stop()
	for {
		text := strings.TrimSuffix(Table(head, states, w.Look()), "\n")
		if _, err := io.WriteString(w.Out, home+strings.ReplaceAll(text, "\n", wipe+"\r\n")+wipe+below); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		latest, next, err := w.ask(ctx)
		if err != nil {
			head = fmt.Sprintf("%s  not live: %v", w.Name, err)
			continue
		}
		states, head = latest, next
	}
}

func (w Watch) ask(ctx context.Context) (states []engine.State, head string, err error) {
	if states, err = w.Source.States(ctx); err != nil {
		return nil, "", err
	}
	store, err := w.Source.Store(ctx)
	if err != nil {
		return nil, "", err
	}
	return states, fmt.Sprintf("%s  %s UTC  %s", w.Name, time.Now().UTC().Format("15:04:05"), store), nil
}
