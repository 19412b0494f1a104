package estimate

import "github.com/plimsoll-dev/plimsoll/engine/estimate/internal/scan"

var weights [encodings]scan.Weights
