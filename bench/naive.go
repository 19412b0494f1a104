package bench

import (
	"fmt"

	"github.com/puzpuzpuz/xsync/v3"

	"github.com/plimsoll-dev/plimsoll/bench/measure"
)

// naivePick is the straightforward way to choose: a concurrent map from ID to a striped
// counter per limit, of which every choice reads all.
func naivePick(size int) measure.Case {
	return measure.Case{Name: fmt.Sprintf("naive pick %d", size), Setup: func() measure.Op {
		type usage struct {
			tokens, requests         *xsync.Counter
			tokenLimit, requestLimit int64
		}
		m := xsync.NewMapOf[string, *usage]()
		ids := make([]string, size)
		for i, used := range randomUsage(size) {
			ids[i] = deploymentID(i)
			u := &usage{xsync.NewCounter(), xsync.NewCounter(), wide, wide}
			u.tokens.Add(used)
			m.Store(ids[i], u)
		}
		pick := func(tokens int64) (chosen string) {
			least := wide
			for _, id := range ids {
				u, ok := m.Load(id)
				if !ok || u.requests.Value() >= u.requestLimit {
					continue
				}
				if used := u.tokens.Value(); used < least && used+tokens <= u.tokenLimit {
					least, chosen = used, id
				}
			}
			return chosen
		}
		return func(_, n int) {
			for range n {
				if pick(100) == "" {
					panic("no room")
				}
			}
		}
	}}
}
