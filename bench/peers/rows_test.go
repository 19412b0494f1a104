package main

import (
	"os"
	"testing"
)

// TestRows runs every row a little: each set-up must be accepted by the library
// it measures.
func TestRows(t *testing.T) {
	for _, r := range rows() {
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
