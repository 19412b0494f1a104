package valkeystore

import (
	"strconv"
	"strings"
	"time"
)

const prefix = "plimsoll1:"

// head is what all keys of a bucket begin with. Its hash tag keeps them on one
// server of a cluster.
func head(namespace string, bucket int) string {
	return prefix + "{" + namespace + "." + strconv.Itoa(bucket) + "}:"
}

// bucketOf spreads deployments over buckets. All nodes must agree on it, so it
// is FNV-1a and stays so.
func bucketOf(id string, buckets int) int {
	if buckets == 1 {
		return 0
	}
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return int(h % uint64(buckets))
}

// A namer writes the two counters of a deployment in a window.
type namer interface {
	tokens(to *text, id string, start int64)
	requests(to *text, id string, start int64)
}

// text is where a batch writes its keys and numbers: one allocation for all.
type text struct {
	b    strings.Builder
	from int
	num  [20]byte
}

func (t *text) str(s string)  { t.b.WriteString(s) }
func (t *text) int(n int64)   { t.b.Write(strconv.AppendInt(t.num[:0], n, 10)) }
func (t *text) uint(n uint64) { t.b.Write(strconv.AppendUint(t.num[:0], n, 10)) }

// cut returns what was written since the last cut. It stays valid whatever is
// written later.
func (t *text) cut() string {
	s := t.b.String()[t.from:]
	t.from = t.b.Len()
	return s
}

// native names counters after the bucket, the deployment and the second the
// window begins. The letter after the tag keeps them apart from markers, whatever
// an ID or a node's name holds.
type native struct{ head string }

func (n native) tokens(to *text, id string, start int64)   { n.name(to, id, ":t:", start) }
func (n native) requests(to *text, id string, start int64) { n.name(to, id, ":r:", start) }

func (n native) name(to *text, id, kind string, start int64) {
	to.str(n.head)
	to.str("c:")
	to.str(id)
	to.str(kind)
	to.int(start)
}

// litellm names counters as LiteLLM's usage-based-routing-v2 does: after the
// minute of the day, which comes again a day later.
type litellm struct{ model func(id string) string }

func (l litellm) tokens(to *text, id string, start int64)   { l.name(to, id, ":tpm:", start) }
func (l litellm) requests(to *text, id string, start int64) { l.name(to, id, ":rpm:", start) }

func (l litellm) name(to *text, id, kind string, start int64) {
	to.str(id)
	to.str(":")
	to.str(l.model(id))
	to.str(kind)
	at := time.Unix(start, 0).UTC()
	two := func(n int) {
		if n < 10 {
			to.str("0")
		}
		to.int(int64(n))
	}
	two(at.Hour())
	to.str("-")
	two(at.Minute())
}
