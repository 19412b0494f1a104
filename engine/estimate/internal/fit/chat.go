package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

const emojiList = "emoji-list"

// composeChats makes chats of the sentences of other documents of the same half
// and of emoji: nothing that a package manager offers is a collection of chats.
func composeChats(dir string, docs []document, size int) ([]document, error) {
	emoji, err := readEmoji(filepath.Join(dir, emojiList))
	if err != nil {
		return nil, err
	}
	var chats []document
	for _, heldOut := range []bool{false, true} {
		lines := map[string][]string{}
		for _, d := range docs {
			if d.heldOut == heldOut {
				lines[d.kind] = append(lines[d.kind], sentences(d.text)...)
			}
		}
		for total, i := 0, 0; total < size/2; i++ {
			name := fmt.Sprintf("emoji/chat/%t/%d", heldOut, i)
			c := composer{name: name, emoji: emoji}
			for _, d := range cut("emoji", name, c.chat(lines, largest)) {
				d.heldOut = heldOut
				chats = append(chats, d)
				total += len(d.text)
			}
		}
	}
	return chats, nil
}

// readEmoji returns the keys of the one JSON object below dir, in their order.
func readEmoji(dir string) ([]string, error) {
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if len(files) != 1 {
		return nil, fmt.Errorf("%s: %d lists of emoji, want one", dir, len(files))
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return nil, err
	}
	var list []string
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var skipped json.RawMessage
		if err := dec.Decode(&skipped); err != nil {
			return nil, err
		}
		list = append(list, key.(string))
	}
	if len(list) == 0 {
		return nil, errors.New("no emoji")
	}
	return list, nil
}

// sentences returns the lines of a text that could be said in a chat.
func sentences(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if len(line) >= 12 && len(line) <= 240 && !strings.ContainsAny(line, `{}<>=|\`) {
			out = append(out, line)
		}
	}
	return out
}

type composer struct {
	name  string
	emoji []string
	drawn int
}

// draw returns a number in [0, 1); each call of a composer gives another.
func (c *composer) draw() float64 {
	c.drawn++
	return float64(hash(fmt.Sprint(c.name, c.drawn))>>11) / (1 << 53)
}

func (c *composer) chat(lines map[string][]string, size int) string {
	speech := []string{"english", "english", "chinese", "japanese", "arabic", "latin"}
	language := lines[speech[int(c.draw()*float64(len(speech)))]]
	people := []string{"mia", "Tom", "李雷", "さくら", "Omar", "zoe_k", "dad"}
	style := int(c.draw() * 3)
	dense := 0.3 + 0.6*c.draw()
	var b strings.Builder
	for b.Len() < size {
		who := people[int(c.draw()*float64(len(people)))]
		switch style {
		case 0:
			fmt.Fprintf(&b, "%s: ", who)
		case 1:
			fmt.Fprintf(&b, "[%02d:%02d] %s: ", int(c.draw()*24), int(c.draw()*60), who)
		}
		if len(language) > 0 && c.draw() < 0.9 {
			b.WriteString(language[int(c.draw()*float64(len(language)))])
			b.WriteByte(' ')
		}
		for c.draw() < dense {
			b.WriteString(c.oneEmoji())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// oneEmoji draws an emoji, the first of the list far more often than the last,
// now and then several times in a row.
func (c *composer) oneEmoji() string {
	e := c.emoji[int(float64(len(c.emoji))*math.Pow(c.draw(), 3))]
	if c.draw() < 0.2 {
		e = strings.Repeat(e, 2+int(c.draw()*3))
	}
	return e
}
