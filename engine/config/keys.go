package config

import (
	"strconv"
	"strings"
)

// keysUsed is which environment variables endpoints take their keys from.
type keysUsed struct {
	lookup func(string) (string, bool)
	unset  map[string]*mention
	names  []string // of unset, in order
}

// use remembers a variable that has no value.
func (k *keysUsed) use(name string, line int) {
	value, _ := k.lookup(name)
	if value = strings.TrimSpace(value); value != "" && !inQuotes(value) {
		return
	}
	m, ok := k.unset[name]
	if !ok {
		m = &mention{line: line}
		k.unset[name] = m
		k.names = append(k.names, name)
	}
	m.times++
}

// inQuotes reports whether a value begins and ends with the same quotation mark, which docker
// run --env-file and others keep.
func inQuotes(value string) bool {
	return len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0]
}

// report reports which keys are missing.
func (k *keysUsed) report(add func(line int, key, format string, args ...any)) {
	for _, name := range k.names {
		m := k.unset[name]
		if value, _ := k.lookup(name); strings.TrimSpace(value) != "" {
			add(m.line, "", "the value of the environment variable %s, which %s, stands in quotation marks, which are sent as part of it: docker run --env-file keeps them", showName(name), keyOf(m.times))
			continue
		}
		add(m.line, "", "the environment variable %s, which %s, is not set or empty: calls fail until it is", showName(name), keyOf(m.times))
	}
}

func keyOf(n int) string {
	if n == 1 {
		return "is the key of an endpoint"
	}
	return "is the key of " + strconv.Itoa(n) + " endpoints"
}
