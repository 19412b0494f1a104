package top

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/drive"
	"github.com/plimsoll-dev/plimsoll/engine"
)

// Source is the source of the shown data: a client of a daemon.
type Source interface {
	States(ctx context.Context) ([]engine.State, error)
	Store(ctx context.Context) (string, error) // the state of sharing, in a few words
	// Tokens returns the daemon's tokens; none if they may not be seen.
	Tokens(ctx context.Context) ([]drive.Token, error)
}

// Watch configures Once and Run.
type Watch struct {
	Source   Source
	Name     string // of the source, in the head
	Interval time.Duration
	Out      io.Writer                    // of Once
	Look     func() Look                  // of Once; Run takes all of it except the size
	Screen   func() (tcell.Screen, error) // of Run; nil = the terminal
}

// Once writes the table once.
func (w Watch) Once(ctx context.Context) error {
	a := w.ask(ctx)
	if a.err != nil {
		return a.err
	}
	_, err := io.WriteString(w.Out, Table(a.head, a.shown, w.Look()))
	return err
}

// answer is the data of one query of the source.
type answer struct {
	shown Shown
	head  string
	err   error
}

// Run draws the table on a screen of its own until a key or ctx ends it, and leaves the
// terminal as it was. It fails if the first query of the source does. After later failures
// the head shows the reason. A source that hangs blocks no key.
func (w Watch) Run(ctx context.Context) error {
	first := w.ask(ctx)
	if first.err != nil {
		return first.err
	}
	screen, err := w.open()
	if err != nil {
		return fmt.Errorf("the terminal cannot be drawn on (%w); --once writes the table once", err)
	}
	defer screen.Fini()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers, keys := make(chan answer), make(chan tcell.Event)
	go w.poll(ctx, answers)
	go screen.ChannelEvents(keys, ctx.Done())
	v := view{screen: screen, look: w.Look(), shown: first.shown, head: first.head}
	for {
		v.draw()
		select {
		case <-ctx.Done():
			return nil
		case a := <-answers:
			if a.err != nil {
				v.head = fmt.Sprintf("%s  not live: %v", w.Name, a.err)
				continue
			}
			v.shown, v.head = a.shown, a.head
		case event, ok := <-keys:
			if !ok || v.handle(event) {
				return nil
			}
		}
	}
}

func (w Watch) open() (tcell.Screen, error) {
	open := w.Screen
	if open == nil {
		open = tcell.NewScreen
	}
	screen, err := open()
	if err != nil {
		return nil, err
	}
	return screen, screen.Init()
}

// poll asks the source again and again until ctx ends.
func (w Watch) poll(ctx context.Context, answers chan<- answer) {
	tick := time.NewTicker(w.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case <-ctx.Done():
			return
		case answers <- w.ask(ctx):
		}
	}
}

func (w Watch) ask(ctx context.Context) (a answer) {
	if a.shown.States, a.err = w.Source.States(ctx); a.err != nil {
		return a
	}
	store, err := w.Source.Store(ctx)
	if err == nil {
		a.shown.Tokens, err = w.Source.Tokens(ctx)
	}
	a.head, a.err = fmt.Sprintf("%s  %s UTC  %s", w.Name, time.Now().UTC().Format("15:04:05"), store), err
	return a
}
