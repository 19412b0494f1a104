package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

// BenchmarkParse10000 reads a LiteLLM file of 10,000 deployments, as many as are read.
func BenchmarkParse10000(b *testing.B) {
	var text strings.Builder
	text.WriteString("environment_variables: {NAME: value}\nmodel_list:\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, `  - model_name: group-%d
    litellm_params:
      model: azure/gpt-4o-%d
      api_base: https://r%d.openai.azure.com
      api_key: os.environ/KEY_%d
      rpm: 600
      tpm: 100000
      temperature: 0.2
`, i/20, i, i, i%50)
	}
	data := []byte(text.String())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f, err := config.Parse("big.yaml", data, config.Options{})
		if err != nil || len(f.Engine.Deployments) != 10_000 {
			b.Fatal(err)
		}
	}
}
