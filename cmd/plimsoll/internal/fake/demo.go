package fake

import (
	"fmt"
	"strings"
)

// DemoConfig is a configuration of the [Default] accounts at an address, in
// plimsoll's own format.
func DemoConfig(address string) []byte {
	var b strings.Builder
	b.WriteString("# What plimsoll serve --demo serves: accounts of plimsoll fake.\nprofiles: auto\ndeployments:\n")
	for _, d := range []struct{ id, group, model, limits, url string }{
		{"openai", "gpt-4o", "openai/gpt-4o", "rpm: 120, tpm: 60000", "/openai/v1"},
		{"azure-east", "gpt-4o", "azure/gpt-4o-east", "rpm: 60, tpm: 40000", "/azure-east"},
		{"azure-west", "gpt-4o", "azure/gpt-4o-west", "rpm: 60, tpm: 40000", "/azure-west"},
		{"groq", "llama", "groq/llama-3.3-70b", "rpm: 30, tpm: 20000", "/groq/v1"},
		{"anthropic", "claude-sonnet", "anthropic/claude-sonnet-4-5", "rpm: 60, input_tpm: 40000, output_tpm: 10000", "/anthropic"},
		{"anthropic-2", "claude-sonnet", "anthropic/claude-sonnet-4-5", "rpm: 60, input_tpm: 40000, output_tpm: 10000", "/anthropic-2"},
	} {
		fmt.Fprintf(&b, "  - {id: %s, group: %s, model: %s, %s, endpoint: {url: \"http://%s%s\", key: a-key-for-the-demo}}\n", d.id, d.group, d.model, d.limits, address, d.url)
	}
	b.WriteString("aliases: {gpt-4: gpt-4o}\n")
	return []byte(b.String())
}
