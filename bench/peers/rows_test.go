package main

import "testing"

// TestRows runs every row a little: each set-up must be accepted by the library
// it measures.
func TestRows(t *testing.T) {
	for _, r := range rows() {
		r.Of.Setup()(0, 10)
		r.By.Setup()(0, 10)
	}
}
