package valkeystore

import (
	"strings"
	"testing"
)

func TestScanner(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		ok           bool
		depth        int
	}{
		{"scalars", "+OK\r\n:12\r\n-ERR no\r\n_\r\n#t\r\n,1.5\r\n(123\r\n", true, 0},
		{"blobs", "$3\r\nabc\r\n$0\r\n\r\n$-1\r\n=7\r\ntxt:abc\r\n", true, 0},
		{"a blob that looks like a length", "$7\r\n*99\r\n$9\r\n", true, 0},
		{"transaction", "*3\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n:5\r\n*0\r\n", true, 0},
		{"open", "*3\r\n*2\r\n:1\r\n", true, 2},
		{"map and attribute", "%1\r\n+a\r\n*0\r\n|1\r\n+a\r\n+b\r\n:1\r\n", true, 0},
		{"attribute inside", "*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n", true, 0},
		{"nil array", "*-1\r\n*1\r\n*-1\r\n", true, 0},
		{"push", ">2\r\n+a\r\n:1\r\n", true, 0},
		{"negative", "*-2\r\n", false, 0},
		{"large blob", "$99999999\r\n", false, 0},
		{"overflow", "$99999999999999999999999\r\n", false, 0},
		{"many", "*9999999\r\n", false, 0},
		{"no number", "*x\r\n", false, 0},
		{"pieces", "$?\r\n", false, 0},
		{"deep", strings.Repeat("*2\r\n:1\r\n", 100), false, 0},
		{"long line", "+" + strings.Repeat("x", maxLine+1), false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.stream); size += 1 + size/4 {
				var s scanner
				ok := true
				for rest := tt.stream; ok && rest != ""; rest = rest[min(size, len(rest)):] {
					ok = s.take([]byte(rest[:min(size, len(rest))]))
				}
				if ok != tt.ok || ok && s.depth != tt.depth {
					t.Fatalf("in pieces of %d: ok = %v at depth %d, want %v at %d", size, ok, s.depth, tt.ok, tt.depth)
				}
			}
		})
	}
}
