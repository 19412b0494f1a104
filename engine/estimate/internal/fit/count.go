package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
)

// countAll fills in the exact counts of all documents. It keeps them in a file,
// by the hash of the text: counting takes minutes, fitting seconds.
func countAll(docs []document, cache string) error {
	known := map[string][len(encodings)]int64{}
	data, err := os.ReadFile(cache)
	if err == nil {
		err = json.Unmarshal(data, &known)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	var todo []*document
	for i := range docs {
		if n, ok := known[key(docs[i].text)]; ok {
			docs[i].exact = n
		} else {
			todo = append(todo, &docs[i])
		}
	}
	if err := countEach(todo); err != nil {
		return err
	}
	for _, d := range todo {
		known[key(d.text)] = d.exact
	}
	if data, err = json.Marshal(known); err != nil {
		return err
	}
	return os.WriteFile(cache, data, 0o644)
}

func key(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

func countEach(docs []*document) error {
	var (
		wg     sync.WaitGroup
		queue  = make(chan *document, len(docs))
		failed = make(chan error, len(docs))
	)
	for _, d := range docs {
		queue <- d
	}
	close(queue)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for d := range queue {
				for i, enc := range encodings {
					exact, err := estimate.NewExact(enc)
					if err == nil {
						d.exact[i], err = exact.Text(d.text)
					}
					if err != nil {
						failed <- err
						return
					}
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed // nil if none
}
