package config

import (
	"strconv"
	"strings"
)

// routing writes retries, fallbacks and the rule for tags.
func (c *converter) routing() {
	r := &c.file.Routing
	if r.MaxAttempts > 0 {
		c.line(0, "max_attempts:", strconv.Itoa(r.MaxAttempts), "num_retries and the first")
	}
	if r.Tags != TagsKnown {
		c.line(0, "request_tags:", string(r.Tags), "enable_tag_filtering, tag_filtering_match_any")
	}
	c.fallbacks("fallbacks:", r.Fallbacks, "fallbacks, default_fallbacks")
	c.fallbacks("context_fallbacks:", r.ContextFallbacks, "context_window_fallbacks")
}

// fallbacks writes lists of groups by the name of a group.
func (c *converter) fallbacks(key string, lists map[string][]string, from string) {
	if len(lists) == 0 {
		return
	}
	c.line(0, key, "", from)
	for _, name := range sortedKeys(lists) {
		var names []string
		for _, to := range lists[name] {
			names = append(names, plain(to))
		}
		c.line(1, plain(name)+":", "["+strings.Join(names, ", ")+"]", "")
	}
}
