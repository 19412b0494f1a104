// Command fit makes the weights of package estimate and the tables of
// docs/ESTIMATES.md from a corpus:
//
//	sh engine/estimate/internal/fit/gather.sh DIR
//	go run ./engine/estimate/internal/fit -tables
//	go run ./engine/estimate/internal/fit -corpus DIR
//
// run from the root of the repository. Half of the documents, by a hash of their
// names, are fitted on; the tables are of the other half. With -weights "" it
// only judges the weights that are there.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"strings"

	loader "github.com/pkoukk/tiktoken-go-loader"

	"github.com/plimsoll-dev/plimsoll/engine/estimate"
	"github.com/plimsoll-dev/plimsoll/engine/estimate/internal/scan"
)

var (
	encodings = [...]estimate.Encoding{estimate.O200K, estimate.CL100K}
	known     = [...]*scan.Known{scan.KnownO200K, scan.KnownCL100K} // in the order of encodings
)

func main() {
	corpus := flag.String("corpus", "", "directory that gather.sh has filled")
	weights := flag.String("weights", "engine/estimate/weights.go", "file to write the weights to")
	doc := flag.String("doc", "docs/ESTIMATES.md", "file whose tables are replaced")
	perKind := flag.Int("bytes", 4<<20, "bytes of text of each kind, at most")
	swap := flag.Bool("swap", false, "exchange the two halves")
	packages := flag.Bool("packages", false, "halve by package instead of by file: harder, no half sees the other's authors")
	pack := flag.Bool("tables", false, "write the tables engine/estimate/internal/scan/*.bin instead")
	worst := flag.Int("worst", 0, "list so many of the worst estimates of each kind")
	flag.Parse()
	var err error
	if *pack {
		err = packTables()
	} else {
		err = run(*corpus, *weights, *doc, *perKind, *worst, *swap, *packages)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fit:", err)
		os.Exit(1)
	}
}

const tables = "engine/estimate/internal/scan/"

// packTables writes the tables of characters and of words that package scan embeds.
func packTables() error {
	for _, enc := range encodings {
		ranks, err := loader.NewOfflineLoader().LoadTiktokenBpe(enc.String() + ".tiktoken")
		if err != nil {
			return err
		}
		name, _, _ := strings.Cut(enc.String(), "_")
		if err := os.WriteFile(tables+name+".bin", scan.PackKnown(maps.Keys(ranks)), 0o644); err != nil {
			return err
		}
	}
	var failed error
	count := func(enc estimate.Encoding) func(string) int64 {
		return func(text string) int64 {
			exact, err := estimate.NewExact(enc)
			if err != nil {
				failed = err
				return 1
			}
			n, err := exact.Text(text)
			if err != nil {
				failed = err
			}
			return n
		}
	}
	table := scan.PackAlone(count(estimate.CL100K), count(estimate.O200K))
	if failed != nil {
		return failed
	}
	return os.WriteFile(tables+"alone.bin", table, 0o644)
}

func run(corpus, weights, doc string, perKind, worst int, swap, packages bool) error {
	docs, err := readCorpus(corpus, perKind)
	if err != nil {
		return err
	}
	if packages {
		for i := range docs {
			docs[i].heldOut = hash(path.Dir(docs[i].name))&1 == 1
		}
	}
	chats, err := composeChats(corpus, docs, perKind/2)
	if err != nil {
		return err
	}
	docs = append(docs, chats...)
	if swap {
		for i := range docs {
			docs[i].heldOut = !docs[i].heldOut
		}
	}
	if err := countAll(docs, corpus+"/counts.json"); err != nil {
		return err
	}
	count := func(d *document, enc int) int64 { return estimate.Text(d.text, encodings[enc]) }
	if weights != "" {
		fitted := fit(docs)
		if err := writeWeights(weights, fitted); err != nil {
			return err
		}
		rounded := [...]*scan.Weights{round(&fitted[0]), round(&fitted[1])}
		count = func(d *document, enc int) int64 { return weigh(d.text, rounded[enc], known[enc]) }
	}
	for _, line := range listWorst(docs, count, worst) {
		fmt.Println(line)
	}
	table := report(docs, count)
	fmt.Print(table)
	if doc == "" {
		return nil
	}
	return replaceTable(doc, table)
}
