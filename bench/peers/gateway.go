package main

import (
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// This file re-states two algorithms of a gateway (maximhq/bifrost) from a
// description of their work per request. It measures the algorithms, not that
// program.

// rateWindow is one of the two limits of an entry: its length is text, read on each
// check.
type rateWindow struct {
	length string
	begun  time.Time
	used   int64
	limit  int64
}

// open returns whether the window's length has passed or amount still fits.
func (w *rateWindow) open(amount int64) bool {
	length, err := time.ParseDuration(w.length)
	return err == nil && (time.Since(w.begun) >= length || w.used+amount <= w.limit)
}

// entry is immutable once published: a change publishes a copy.
type entry struct {
	id               string
	owner            string
	tokens, requests rateWindow
	created, updated time.Time
}

// reserve looks an entry up, checks both windows, and swaps in a copy that
// counts one request more; it begins again when another was faster.
func reserve(keys int) measure.Case {
	return decide("gateway check-and-reserve, re-stated", keys, func(ids []string) func(string) bool {
		var entries sync.Map
		now := time.Now()
		for _, id := range ids {
			w := rateWindow{length: "1h", begun: now, limit: 1 << 50}
			entries.Store(id, &entry{id: id, owner: "owner", tokens: w, requests: w, created: now, updated: now})
		}
		return func(id string) bool {
			for {
				found, ok := entries.Load(id)
				if !ok {
					return true
				}
				old := found.(*entry)
				if !old.tokens.open(1) || !old.requests.open(1) {
					return false
				}
				next := *old
				next.requests.used++
				if entries.CompareAndSwap(id, found, &next) {
					return true
				}
			}
		}
	})
}

// apiKey is a provider key with its settings, about 200 bytes.
type apiKey struct {
	id, name, value string
	models          []string
	weight          float64
	_               [14]uint64 // settings
}

// selection copies the keys that serve the model out of all keys, then draws one
// by weight with a generator seeded for the purpose.
func selection(size int) measure.Case {
	return measure.Case{Name: fmt.Sprintf("gateway weighted key selection %d, re-stated", size), Setup: func() measure.Op {
		keys := make([]apiKey, size)
		for i := range keys {
			keys[i] = apiKey{id: fmt.Sprint(i), name: "key", value: "secret", models: []string{"model"}, weight: 1}
		}
		choose := func(model string) apiKey {
			var fit []apiKey
			for _, k := range keys {
				if slices.Contains(k.models, model) {
					fit = append(fit, k)
				}
			}
			total := 0
			for _, k := range fit {
				total += int(k.weight * 100)
			}
			left := rand.New(rand.NewSource(time.Now().UnixNano())).Intn(total)
			for _, k := range fit {
				if left -= int(k.weight * 100); left < 0 {
					return k
				}
			}
			return fit[0]
		}
		return func(_, n int) {
			for range n {
				if choose("model").id == "" {
					panic("nothing chosen")
				}
			}
		}
	}}
}
