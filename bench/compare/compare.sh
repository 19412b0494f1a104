#!/usr/bin/env bash
# compare measures the engine of this tree against that of an older commit, in one
# process that lets them take turns: bench/compare/compare.sh [commit] [rows, a regular
# expression] [rounds]. It prints medians in ns with the median of the ratios beside its
# goal, and the tenth percentiles, which a busy machine disturbs less, in the time that its
# thread had a CPU (Linux only). The commit is
# unpacked, under another module path, into a temporary directory outside the tree.
set -euo pipefail
root=$(git rev-parse --show-toplevel)
commit=${1:-bc0a46e} rows=${2:-.} rounds=${3:-100}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
module=github.com/plimsoll-dev/plimsoll
base=base.example/plimsoll
mkdir "$tmp/base" "$tmp/bench" "$tmp/bench/base" "$tmp/bench/tree"
git -C "$root" archive "$commit" go.mod go.sum engine window | tar -x -C "$tmp/base"
grep -rl "$module" "$tmp/base" | xargs sed -i "s#$module#$base#g"
here=$root/bench/compare/testdata
cp "$here/main.go" "$tmp/bench/"
sed "s#^package rows#package base#; s#$module#$base#g" "$here/rows.go" >"$tmp/bench/base/rows.go"
sed "s#^package rows#package tree#" "$here/rows.go" >"$tmp/bench/tree/rows.go"
xsync=$(grep -o 'puzpuzpuz/xsync/v3 v[^ ]*' "$root/go.mod" | head -1)
cat >"$tmp/bench/go.mod" <<END
module bench

$(grep '^go ' "$root/go.mod")

require (
	$base v0.0.0
	$module v0.0.0
	github.com/$xsync
)

replace $base => $tmp/base

replace $module => $root
END
cd "$tmp/bench"
export GOWORK=off GOFLAGS=-mod=mod
# The compiler inlines hardly any call into a function as long as Rows. What makes a row is not
# inlined there, so that the row measures calls as a caller's own code has them.
sed -i '/^func .*) func(int) {$/i //go:noinline' base/rows.go tree/rows.go
go run . -rows "$rows" -rounds "$rounds"
