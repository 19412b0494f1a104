package main

import "unicode"

// The kinds of the texts that are there in some hundred languages each.
const (
	declaration = "declaration"
	decomposed  = "decomposed"
)

// byAlphabet makes a kind of its own of the alphabets that many languages share. There, a
// language is in one half or the other as a whole, so that the half that is not fitted on
// has languages that no weight was fitted on. Of an alphabet with few languages, both
// halves have parts of each.
func byAlphabet(d *document) {
	if d.kind != declaration && d.kind != decomposed {
		return
	}
	counts := map[string]int{}
	for _, r := range d.text {
		switch {
		case unicode.Is(unicode.Latin, r):
			counts["latin"]++
		case unicode.Is(unicode.Cyrillic, r):
			counts["cyrillic"]++
		case unicode.IsLetter(r):
			counts["other"]++
		}
	}
	alphabet := "other"
	for _, name := range []string{"latin", "cyrillic"} {
		if counts[name] > counts[alphabet] {
			alphabet = name
		}
	}
	d.kind += ", " + alphabet
	if alphabet == "other" {
		d.heldOut = hash(d.name)&1 == 1
	}
}
