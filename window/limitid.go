package window

import (
	"strconv"
	"strings"
)

// LimitPrefix begins the ID of a [Tally] that stands for a limit which a deployment's
// provider has reported: see [LimitID]. Such a Tally has no counts. Its CoolUntil is the
// time until which the limit is in force at least.
const LimitPrefix = "limit\x00"

// LimitID returns the ID by which nodes share a limit that a provider has reported for a
// deployment. The kind is the limit's key, such as "tpm"; the value, in requests or tokens,
// is above 0.
func LimitID(kind string, value int64, deployment string) string {
	return LimitPrefix + kind + ":" + strconv.FormatInt(value, 10) + ":" + deployment
}

// CutLimitID returns the parts from which [LimitID] has made an ID, and false if the ID is
// none of those.
func CutLimitID(id string) (kind string, value int64, deployment string, ok bool) {
	rest, ok := strings.CutPrefix(id, LimitPrefix)
	if !ok {
		return "", 0, "", false
	}
	kind, rest, _ = strings.Cut(rest, ":")
	number, deployment, ok := strings.Cut(rest, ":")
	value, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || value <= 0 {
		return "", 0, "", false
	}
	return kind, value, deployment, true
}
