// Command bench lets two engines take turns and prints the medians.
package main

import (
	"flag"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"bench/base"
	"bench/tree"
)

// goals are the most that the ratio of the first row that matches may be.
var goals = []struct {
	row *regexp.Regexp
	at  float64
}{
	{regexp.MustCompile(`^acquire settle (equal )?lowest-tpm 10$`), 0.60},
	{regexp.MustCompile(`^acquire settle (equal )?least-utilized 10$`), 0.65},
	{regexp.MustCompile(`^acquire settle (equal )?lowest-tpm 100$`), 0.82},
	{regexp.MustCompile(`^acquire settle (equal )?least-utilized 100$`), 0.88},
	{regexp.MustCompile(`^acquire settle (equal )?lowest-tpm 1000$`), 0.85},
	{regexp.MustCompile(`^acquire settle (equal )?least-utilized 1000$`), 0.90},
	{regexp.MustCompile(`^acquire release tied (lowest-tpm|least-utilized) 10$`), 0.80},
	{regexp.MustCompile(`^acquire release tied (lowest-tpm|least-utilized) `), 0.95},
	{regexp.MustCompile(`^acquire settle bucket`), 0.80},
	{regexp.MustCompile(`^acquire settle (in-flight|days)`), 0.92},
	{regexp.MustCompile(`^pick lowest-tpm 10$`), 0.70},
	{regexp.MustCompile(`^pick least-utilized 10$`), 0.80},
	{regexp.MustCompile(`^pick .* 1000$`), 1.0},
	{regexp.MustCompile(`^(precheck|record)$`), 1.1},
	{regexp.MustCompile(`by name$`), 1.15},
	{regexp.MustCompile(`^apply`), 0.4},
	{regexp.MustCompile(`^collect`), 0.5},
}

// verdict says how a ratio stands to its goal, by its median and its quiet moments, as
// the rows of bench/peers do.
func verdict(row string, median, quiet float64) string {
	for _, g := range goals {
		if !g.row.MatchString(row) {
			continue
		}
		is := "MISSED"
		switch least := min(median, quiet); {
		case median <= g.at:
			is = "met"
		case least <= 1.25*g.at:
			is = "near"
		}
		return fmt.Sprintf("  <= %.2f %s", g.at, is)
	}
	return ""
}

// spent returns how long this thread has had a CPU, so that other programs on the machine
// count little.
func spent() time.Duration {
	const threadCPU = 3 // CLOCK_THREAD_CPUTIME_ID of Linux
	var t syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadCPU, uintptr(unsafe.Pointer(&t)), 0); err != 0 {
		panic(err)
	}
	return time.Duration(t.Nano())
}

func main() {
	runtime.LockOSThread()
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
			t := spent()
			f(n)
			return float64(spent()-t) / float64(n)
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
		fmt.Printf("%-44s %12.1f %12.1f %7.2f %12.1f %12.1f %7.2f%s\n", olds[i].Name, as[half], bs[half], ratios[half], as[tenth], bs[tenth], bs[tenth]/as[tenth],
			verdict(olds[i].Name, ratios[half], bs[tenth]/as[tenth]))
	}
	if rows.MatchString("memory") {
		for _, n := range []int{1000, 10_000} {
			fmt.Printf("bytes per deployment of %-20d %12.0f %12.0f\n", n, base.Memory(n), tree.Memory(n))
		}
	}
}
