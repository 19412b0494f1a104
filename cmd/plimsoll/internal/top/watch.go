package top

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Source says what to show: a daemon, as a client sees it.
type Source interface {
	States(ctx context.Context) ([]engine.State, error)
	Store(ctx context.Context) (string, error) // how sharing goes, in a few words
}

// Watch is what Run does.
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
	states, head, err := w.ask(ctx)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w.Out, Table(head, states, w.Look()))
	return err
}

// answer is what the source said.
type answer struct {
	states []engine.State
	head   string
	err    error
}

// Run draws the table on a screen of its own until a key or ctx ends it, and leaves the
// terminal as it was. It fails if the first question to the source does; later, the head
// says why there is nothing new. A source that hangs holds up no key.
func (w Watch) Run(ctx context.Context) error {
	states, head, err := w.ask(ctx)
	if err != nil {
		return err
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
	v := view{screen: screen, look: w.Look(), states: states, head: head}
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
			v.states, v.head = a.states, a.head
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
		var a answer
		a.states, a.head, a.err = w.ask(ctx)
		select {
		case <-ctx.Done():
			return
		case answers <- a:
		}
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
