package config_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine/config"
)

const liteLLM = `
model_list:
  - model_name: chat
    litellm_params: {model: openai/gpt-4o, api_key: sk-secret, rpm: %RPM%}
`

// A LiteLLM file in plimsoll's own format; its key becomes a variable.
func ExampleConvert() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "litellm.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(liteLLM, "%RPM%", "60", 1)), 0o600); err != nil {
		log.Fatal(err)
	}
	c, err := config.Convert(path, config.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(c.Variables), strings.Contains(string(c.Text), "sk-secret"), strings.Contains(string(c.Text), "rpm: 60"))
	// Output: 1 false true
}

// A program that accepts both formats converts where it is needed.
func ExampleConvert_ownFormat() {
	path := filepath.Join(os.TempDir(), "plimsoll-example.yaml")
	if err := os.WriteFile(path, []byte("deployments: [{id: east, group: chat}]"), 0o600); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.Remove(path) }()
	_, err := config.Convert(path, config.Options{})
	if errors.Is(err, config.ErrOwnFormat) {
		f, err := config.Load(path, config.Options{})
		fmt.Println(len(f.Engine.Deployments), err)
	}
	// Output: 1 <nil>
}

// LiteLLM's generated ids change with every parameter. A file that continues another one keeps its ids.
func ExampleFile_Continue() {
	read := func(rpm string) *config.File {
		f, err := config.Parse("litellm.yaml", []byte(strings.Replace(liteLLM, "%RPM%", rpm, 1)), config.Options{})
		if err != nil {
			log.Fatal(err)
		}
		return f
	}
	before, after := read("60"), read("90")
	fmt.Println(after.Engine.Deployments[0].ID == before.Engine.Deployments[0].ID)
	after.Continue(before)
	id := after.Engine.Deployments[0].ID
	fmt.Println(id == before.Engine.Deployments[0].ID, "named by the file:", after.Identities[id].Named)
	// Output:
	// false
	// true named by the file: false
}

func ExampleRouting_Chain() {
	r := config.Routing{
		Fallbacks:        map[string][]string{"chat": {"chat-small"}, config.AnyGroup: {"spare"}},
		ContextFallbacks: map[string][]string{"chat": {"chat-long"}},
	}
	fmt.Println(r.Chain("chat", "chat", false), r.Chain("chat", "chat", true))
	// Output: [chat-small spare] [chat-long]
}
