package main

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A document is a text, or a part of one, that is counted as a whole.
type document struct {
	kind, name string
	text       string
	heldOut    bool
	exact      [len(encodings)]int64
}

// Sizes of documents, in bytes. What is reported about accuracy concerns those
// of at least reported bytes.
const (
	smallest = 128
	largest  = 64 << 10
	reported = 2 << 10
)

// hash decides everything that is drawn by lot, so that every run draws alike.
func hash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	// FNV's low bits follow the last characters too closely.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

// readCorpus reads the documents below dir, at most perKind bytes of each kind.
// Which half a document belongs to hangs on the name of its file alone.
func readCorpus(dir string, perKind int) ([]document, error) {
	kinds, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var docs []document
	for _, k := range kinds {
		if !k.IsDir() || k.Name() == emojiList {
			continue
		}
		found, err := readKind(filepath.Join(dir, k.Name()), k.Name(), perKind)
		if err != nil {
			return nil, err
		}
		docs = append(docs, found...)
	}
	return docs, nil
}

func readKind(dir, kind string, limit int) ([]document, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	// By hash, a prefix of the list is a fair sample of it.
	slices.SortFunc(names, func(a, b string) int {
		return compareHash(strings.TrimPrefix(a, dir), strings.TrimPrefix(b, dir))
	})
	var docs []document
	read := map[string]int{} // bytes by package
	for _, path := range names {
		name := kind + strings.TrimPrefix(path, dir)
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		text, err := convert(kind, path, data)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			continue
		}
		from, limit := filepath.Dir(name), limit
		if kind == declaration || kind == decomposed {
			from, limit = name, 4*limit // each file is a language
		}
		for _, d := range cut(kind, name, text) {
			byAlphabet(&d)
			if read[from] > limit/6 || read[kind] > limit {
				break // no package makes up more than a sixth of what its kind may have
			}
			read[from] += len(d.text)
			read[kind] += len(d.text)
			docs = append(docs, d)
		}
	}
	return docs, nil
}

func compareHash(a, b string) int {
	if x, y := hash(a), hash(b); x != y {
		if x < y {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// cut takes at most 12 documents out of a text, their lengths spread evenly
// over orders of magnitude.
func cut(kind, name, text string) []document {
	var docs []document
	heldOut := hash(name)&1 == 1
	for i := 0; len(text) >= smallest && i < 12; i++ {
		part := fmt.Sprintf("%s#%d", name, i)
		u := float64(hash(part)>>11) / (1 << 53)
		n := int(smallest * math.Pow(largest/smallest, u))
		end := len(text)
		if n < end {
			end = n
			if nl := strings.LastIndexAny(text[:n], "\n"); nl > n/2 {
				end = nl + 1
			} else if sp := strings.LastIndexByte(text[:n], ' '); sp > n/2 {
				end = sp
			}
			for end < len(text) && text[end]&0xC0 == 0x80 {
				end++
			}
		}
		docs = append(docs, document{kind: kind, name: part, text: text[:end], heldOut: heldOut})
		text = text[end:]
	}
	return docs
}
