package valkeystore

import (
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

// heldNames are parts of the keys that hold which counts of a window are held by escrow, by
// the kind of the window.
var heldNames = [window.Kinds]string{
	window.KindMinute: ":m:", window.KindDay: ":dm:", window.KindDayPacific: ":pm:", window.KindHour: ":hm:",
	window.KindPhased: ":sm:", window.KindPart: ":qm:", window.KindSlice: ":bm:",
}

// heldLetters stand for the counts, as in the names of counters; heldNone stands for none.
var heldLetters = [counterCount]string{"t", "r", "i", "o"}

const heldNone = "-"

// heldText returns the text of h as it is stored.
func heldText(h syncer.Held) string {
	var text []byte
	for i, k := range counterKinds {
		if h.Escrow()&k != 0 {
			text = append(text, heldLetters[i]...)
		}
	}
	if text == nil {
		return heldNone
	}
	return string(text)
}

// parseHeld parses a text of heldText. It returns 0, unknown, for any other text.
func parseHeld(text string) syncer.Held {
	if text == heldNone {
		return syncer.HeldBy(0)
	}
	which := syncer.Counts(0)
	for i, k := range counterKinds {
		if strings.Contains(text, heldLetters[i]) {
			which |= k
		}
	}
	if which == 0 || heldText(syncer.HeldBy(which)) != text {
		return 0
	}
	return syncer.HeldBy(which)
}

// hold writes the commands that fix the counts of a window that are held by escrow, unless
// they are fixed already, and adds the key to the MGET.
func (c *call) hold(bld valkey.Builder, b *bucket, t *window.Tally, wants syncer.Held) {
	if wants == 0 || !b.epochs {
		c.held = append(c.held, -1)
		return
	}
	c.text.str(c.head)
	c.text.str("c:")
	c.text.str(t.ID)
	c.text.str(heldNames[t.Kind])
	c.text.int(t.Start)
	key := c.text.cut()
	if wants.Known() {
		c.fixHeld(bld, b, t, key, wants)
	}
	c.gets = append(c.gets, key)
	c.held = append(c.held, len(c.gets)-1)
}

// fixHeld writes the command that fixes the counts that are held by escrow, unless they are
// fixed already.
func (c *call) fixHeld(bld valkey.Builder, b *bucket, t *window.Tally, key string, wants syncer.Held) {
	life := b.lives(counter{kind: t.Kind, start: t.Start}, c.now)
	c.queue(bld.Set().Key(key).Value(heldText(wants)).Nx().Ex(time.Duration(life)*time.Second).Build(), len(key)+overhead)
}

// heldBy returns the counts of tally i that are held by escrow, from MGET's reply.
func (c *call) heldBy(i int, got []valkey.ValkeyMessage) syncer.Held {
	if c.held[i] < 0 {
		return 0
	}
	text, err := got[c.held[i]].ToString()
	if err != nil {
		return 0
	}
	return parseHeld(text)
}
