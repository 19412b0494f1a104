package engine_test

import "os"

// full has tests play as long and search as much as they can: make full sets it. Without
// it they show the same on less.
var full = os.Getenv("PLIMSOLL_FULL") != ""
