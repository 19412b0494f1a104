package valkeystore

import (
	"strconv"
	"strings"
	"time"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
	"github.com/plimsoll-dev/plimsoll/window"
)

const prefix = "plimsoll2:"

// prefixBefore is the prefix of keys of the previous format, whose counters had no epoch.
const prefixBefore = "plimsoll1:"

// head returns the prefix of all keys of a bucket. Its hash tag keeps them on
// one server of a cluster.
func head(namespace string, bucket int) string {
	return prefix + "{" + namespace + "." + strconv.Itoa(bucket) + "}:"
}

// A namer writes the key of a counter, and returns the TTL of a minute's counters.
type namer interface {
	name(to *text, head string, c counter)
	ttl(c counter) time.Duration
}

// text is the buffer for the keys and numbers of a batch, so that they need one
// allocation.
type text struct {
	b    strings.Builder
	from int
	num  [20]byte
}

func (t *text) str(s string)  { t.b.WriteString(s) }
func (t *text) int(n int64)   { t.b.Write(strconv.AppendInt(t.num[:0], n, 10)) }
func (t *text) uint(n uint64) { t.b.Write(strconv.AppendUint(t.num[:0], n, 10)) }

// base36 writes a number in base 36: digits and lower-case letters.
func (t *text) base36(n uint64) { t.b.Write(strconv.AppendUint(t.num[:0], n, 36)) }

// cut returns the text written since the last cut. Later writes do not change
// it.
func (t *text) cut() string {
	s := t.b.String()[t.from:]
	t.from = t.b.Len()
	return s
}

// native is the namer of FormatPlimsoll. A name consists of the bucket, the
// epoch, the deployment and the second in which the window begins. The letter
// after the epoch distinguishes counters from markers, whatever an ID or a
// node's name contains.
type native struct{}

func (native) name(to *text, head string, c counter) {
	to.str(head)
	to.str("c:")
	to.str(c.id)
	to.str(nativeKinds[c.kind][c.count])
	to.int(c.start)
}

func (native) ttl(counter) time.Duration { return keyTTL }

// nativeKinds are the parts of the names for the kind of window and the count.
var nativeKinds = [window.Kinds]countNames{
	window.KindMinute:     kindNames(""),
	window.KindDay:        kindNames("d"),
	window.KindDayPacific: kindNames("p"),
	window.KindHour:       kindNames("h"),
	window.KindPhased:     kindNames("s"),
	window.KindPart:       kindNames("q"),
	window.KindSlice:      kindNames("b"),
}

type countNames [syncer.CountOutput + 1]string

func kindNames(of string) countNames {
	return countNames{
		syncer.CountTokens: ":" + of + "t:", syncer.CountRequests: ":" + of + "r:",
		syncer.CountInput: ":" + of + "i:", syncer.CountOutput: ":" + of + "o:",
	}
}

// litellm is the namer of FormatLiteLLM. It names the tokens and requests of a
// minute as LiteLLM's usage-based-routing-v2 does: by the minute of the day, so
// that names repeat after a day. LiteLLM has no other counters, so native names
// those.
type litellm struct {
	model  func(id string) string
	life   time.Duration
	others native
}

// has reports whether LiteLLM has the counter too.
func (l litellm) has(c counter) bool {
	return c.kind == window.KindMinute && (c.count == syncer.CountTokens || c.count == syncer.CountRequests)
}

func (l litellm) ttl(c counter) time.Duration {
	if l.has(c) {
		return l.life
	}
	return l.others.ttl(c)
}

func (l litellm) name(to *text, head string, c counter) {
	if !l.has(c) {
		l.others.name(to, head, c)
		return
	}
	to.str(c.id)
	to.str(":")
	to.str(l.model(c.id))
	if c.count == syncer.CountTokens {
		to.str(":tpm:")
	} else {
		to.str(":rpm:")
	}
	at := time.Unix(c.start, 0).UTC()
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
