package main

import (
	"os"
	"slices"
	"testing"

	"github.com/plimsoll-dev/plimsoll/bench"
	"github.com/plimsoll-dev/plimsoll/bench/table"
)

// TestRows runs every row a little: each set-up must be accepted by the library
// it measures, and the floor that decides in its place must be a row.
func TestRows(t *testing.T) {
	floors := bench.Plan().Rows
	for _, r := range rows() {
		if r.Floor != "" && !slices.ContainsFunc(floors, func(f table.Row) bool { return f.ID == r.Floor && f.Goal != table.Goal{} }) {
			t.Errorf("row %s: no row %s has a goal", r.ID, r.Floor)
		}
		r.Of.Setup()(0, 10)
		r.By.Setup()(0, 10)
	}
}

// TestRoundTrip runs the comparison with a store; how it compares is not asked
// here.
func TestRoundTrip(t *testing.T) {
	if os.Getenv("PLIMSOLL_NO_SERVER") == "1" {
		t.Skip("no server here, says PLIMSOLL_NO_SERVER")
	}
	found, _, err := compareRoundTrip()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(found)
}
