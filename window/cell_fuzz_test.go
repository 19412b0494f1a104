package window_test

import (
	"testing"

	"github.com/plimsoll-dev/plimsoll/window"
)

// FuzzCell compares a cell, through seals and shifts, with two numbers.
func FuzzCell(f *testing.F) {
	f.Add([]byte{0, 10, 1, 3, 2, 5, 3, 9, 4, 0})
	f.Add([]byte{5, 255, 0, 200, 0, 200, 6, 1, 0, 1, 4, 4, 0, 7})
	f.Add([]byte{8, 10, 7, 250, 7, 250, 8, 0, 8, 1, 4, 0, 7, 3, 5, 1, 8, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		capT, capR := int64(500), int64(40)
		c := &window.Cell{}
		c.SetCaps(capT, capR)
		var tokens, requests int64
		for ; len(ops) > 1; ops = ops[2:] {
			n := int64(ops[1])
			switch ops[0] % 9 {
			case 0:
				fits := tokens+n <= capT && requests < capR
				if c.Fits(n) != fits || (admit(c, n) == window.Taken) != fits {
					t.Fatalf("%d of %d tokens, %d of %d requests: %d tokens fit: %v", tokens, capT, requests, capR, n, !fits)
				}
				if fits {
					tokens, requests = tokens+n, requests+1
				}
			case 1:
				c.AddTokens(n)
				tokens += n
			case 2:
				c.AddTokens(-n)
				tokens = max(tokens-n, 0)
			case 3:
				if (c.CountRequest() == window.Taken) != (requests < capR) {
					t.Fatalf("%d of %d requests", requests, capR)
				}
				requests = min(requests+1, max(capR, requests))
			case 4:
				next := &window.Cell{}
				next.SetCaps(c.Caps())
				next.CopyFrom(c)
				if c.AddTokens(1) || c.AddRequests(1) || c.CountTokens(1) || c.TryRequest(0) {
					t.Fatal("a sealed cell counted")
				}
				c = next
			case 5:
				capT, capR = 4*n, n/4
				c.Shift(n, 1, capT, capR)
				tokens, requests = tokens+n, requests+1
			case 6:
				c.AddRequests(-n)
				requests = max(requests-n, 0)
			case 7:
				c.CountTokens(n)
				tokens += n
			case 8:
				fits := tokens+n <= capT && requests < capR || n == 0 && requests < capR
				if c.TryRequest(n) != fits {
					t.Fatalf("%d of %d tokens, %d of %d requests: a request beside %d tokens fits: %v", tokens, capT, requests, capR, n, fits)
				}
				if fits {
					requests++
				}
			}
			if c.Tokens() != tokens || c.Requests() != requests {
				t.Fatalf("holds %d, %d, want %d, %d", c.Tokens(), c.Requests(), tokens, requests)
			}
			if r := c.Room(); r.Half != 0 || r.Full != (requests >= capR) || r.Tokens != capT-tokens {
				t.Fatalf("%+v of %d tokens, %d requests", r, capT, capR)
			}
		}
	})
}
