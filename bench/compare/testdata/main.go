// Command bench lets two engines take turns and prints the medians.
package main

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"time"

	"bench/base"
	"bench/tree"
)

func main() {
	match := flag.String("rows", ".", "which rows")
	rounds := flag.Int("rounds", 100, "how many turns each")
	flag.Parse()
	rows := regexp.MustCompile(*match)
	olds, news := base.Rows(), tree.Rows()
	fmt.Printf("%-44s %12s %12s %7s %12s %12s %7s\n", "ns", "base p50", "tree p50", "ratio", "base p10", "tree p10", "ratio")
	for i := range olds {
		if !rows.MatchString(olds[i].Name) {
			continue
		}
		a, b := olds[i].Make(), news[i].Make()
		n := olds[i].N
		one := func(f func(int)) float64 {
			t := time.Now()
			f(n)
			return float64(time.Since(t)) / float64(n)
		}
		one(a)
		one(b)
		var as, bs, ratios []float64
		for k := range *rounds {
			var x, y float64
			if k&1 == 0 {
				x, y = one(a), one(b)
			} else {
				y, x = one(b), one(a)
			}
			as, bs, ratios = append(as, x), append(bs, y), append(ratios, y/x)
		}
		for _, v := range [][]float64{as, bs, ratios} {
			slices.Sort(v)
		}
		half, tenth := len(as)/2, len(as)/10
		fmt.Printf("%-44s %12.1f %12.1f %7.2f %12.1f %12.1f %7.2f\n", olds[i].Name, as[half], bs[half], ratios[half], as[tenth], bs[tenth], bs[tenth]/as[tenth])
	}
	if rows.MatchString("memory") {
		for _, n := range []int{1000, 10_000} {
			fmt.Printf("bytes per deployment of %-20d %12.0f %12.0f\n", n, base.Memory(n), tree.Memory(n))
		}
	}
}
