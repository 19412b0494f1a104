package config_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

func ExampleParse() {
	file, err := config.Parse("gateway.yaml", []byte(`
deployments:
  - {id: east, group: chat, model: gpt-4o, rpm: 600, tpm: 100000}
  - {id: west, group: chat, model: gpt-4o, tpm: 50000, max_in_flight: 20}
aliases: {gpt-4: chat}
`), config.Options{})
	if err != nil {
		log.Fatal(err)
	}
	eng, err := engine.New(file.Engine)
	if err != nil {
		log.Fatal(err)
	}
	chat, err := eng.Group("gpt-4")
	if err != nil {
		log.Fatal(err)
	}
	lease, ok := chat.TryAcquire(engine.Demand{InputTokens: 900})
	defer lease.Release()
	fmt.Println(ok, lease.Reserved() > 900)
	// Output: true true
}

// A LiteLLM file is read as it is. Its keys may come from the environment, and
// are not shown.
func ExampleParse_liteLLM() {
	file, err := config.Parse("config.yaml", []byte(`
model_list:
  - model_name: gpt-4o
    litellm_params: {model: azure/east, api_key: os.environ/AZURE_KEY, rpm: 600}
router_settings:
  routing_strategy: usage-based-routing-v2
`), config.Options{LookupEnv: func(name string) (string, bool) {
		return map[string]string{"AZURE_KEY": "sk-from-the-environment"}[name], name == "AZURE_KEY"
	}})
	if err != nil {
		log.Fatal(err)
	}
	d := file.Engine.Deployments[0]
	fmt.Println(file.Format, file.Engine.Strategy, d.Group, d.Model, d.Limits.RPM)
	fmt.Println(file.Mask("the key is sk-from-the-environment"))
	// Output:
	// litellm lowest-tpm gpt-4o azure/east 600
	// the key is os.environ/AZURE_KEY
}

// Endpoints are plain data; a program makes its clients of them.
func ExampleEndpoint() {
	file, err := config.Parse("gateway.yaml", []byte(`
deployments:
  - {id: main, group: chat, model: gpt-4o, provider: openai, endpoint: {key: os.environ/MAIN_KEY}}
  - id: east
    group: chat
    model: azure/gpt-4o-east
    endpoint: {url: https://east.openai.azure.com, key_file: /run/secrets/east, connect_timeout: 2s, timeout: 90s, stream_timeout: 20s, idle_timeout: 1m}
`), config.Options{LookupEnv: func(string) (string, bool) { return "sk-from-the-environment", true }})
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range []string{"main", "east"} {
		ep := file.Endpoints[id]
		fmt.Println(ep.Provider, ep.API, ep.BaseURL, ep.Model, ep.Credential.Source())
	}
	bounds := file.Endpoints["east"].Timeouts
	fmt.Println(bounds.Connect, bounds.FirstByte, bounds.StreamFirstByte, bounds.Idle)
	// Output:
	// openai openai https://api.openai.com/v1 gpt-4o os.environ/MAIN_KEY
	// azure azure https://east.openai.azure.com gpt-4o-east file /run/secrets/east
	// 2s 1m30s 20s 1m0s
}

// Profiles are the rules of providers, or what the file changes of them.
func ExampleFile_counting() {
	file, err := config.Parse("gateway.yaml", []byte(`
profiles: auto
deployments:
  - {id: main, group: chat, model: openai/gpt-4o}
  - {id: east, group: chat, model: azure/gpt-4o, profile: {preset: azure, request_window: 1s}}
  - {id: on-site, group: chat, model: llama}
`), config.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range file.Engine.Deployments {
		fmt.Printf("%s: %v (%v, %v)\n", d.ID, file.Counting[d.ID], d.Profile.Shape, d.Profile.Admit)
	}
	// Output:
	// main: openai (bucket, larger)
	// east: azure, changed (minute, input+max)
	// on-site: bucket (bucket, expected)
}

func ExampleParseProfiles() {
	fmt.Println(config.ParseProfiles("auto"))
	fmt.Println(config.ParseProfiles("yes"))
	// Output:
	// auto <nil>
	//  want auto or plain
}

// A credential is looked up when it is asked for, and is not shown.
func ExampleCredential() {
	vars := map[string]string{}
	o := config.Options{LookupEnv: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }}
	file, err := config.Parse("gateway.yaml", []byte(`
deployments: [{id: main, group: chat, provider: openai, endpoint: {}}]
`), o)
	if err != nil {
		log.Fatal(err)
	}
	key := file.Endpoints["main"].Credential
	_, err = key.Get(o.LookupEnv)
	fmt.Println(err)
	vars["OPENAI_API_KEY"] = "sk-new"
	text, err := key.Get(o.LookupEnv)
	fmt.Println(text, err, key)
	// Output:
	// the environment variable OPENAI_API_KEY is unset or empty
	// sk-new <nil> (hidden)
}

// An error lists everything that is wrong.
func ExampleError() {
	_, err := config.Parse("gateway.yaml", []byte(`
deployments:
  - {id: east, group: chat, rpm: 10 per second}
  - {id: east, group: chat, weight: 0}
`), config.Options{})
	fmt.Println(err)
	// Output:
	// gateway.yaml:3: deployments[0].rpm: found the text "10 per second"; want a whole number, 0 to let nothing through, or no such key for unlimited
	// gateway.yaml:4: deployments[1].weight: found 0; want a number above 0; disabled: true takes a deployment out
	// gateway.yaml:4: deployments[1].id: "east" is the id of the deployment on line 3 already; ids are unique; give this deployment another
}

// A service that takes configurations over the network reads as many bytes as Parse accepts and
// one more, so that a larger one is refused instead of cut, and shows what is wrong with it.
func ExampleParse_network() {
	body := strings.NewReader("deployments:\n" + strings.Repeat("  - {group: chat}\n", 150))
	text, err := io.ReadAll(io.LimitReader(body, config.MaxBytes+1))
	if err != nil {
		log.Fatal(err)
	}
	_, err = config.Parse("uploaded.yaml", text, config.Options{})
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		fmt.Println(wrong.Findings[0])
		fmt.Println(len(wrong.Findings) == config.MaxFindings, "and", wrong.Omitted, "more")
	}
	// Output:
	// uploaded.yaml:2: deployments[0].id: is missing; want a unique, stable text
	// true and 50 more
}

func ExampleLoad() {
	_, err := config.Load("absent.yaml", config.Options{})
	fmt.Println(err)
	// Output: absent.yaml: no such file or directory
}

func ExampleSecret() {
	fmt.Printf("%v %q\n", config.Secret("valkey://:password@localhost"), config.Store{})
	// Output: (hidden) ""
}

func ExampleSync_Of() {
	s := config.Sync{All: "usage", Limits: map[provider.Limit]string{provider.TPM: "escrow"}}
	fmt.Println(s.Of(provider.RPM), s.Of(provider.TPM))
	// Output: usage escrow
}
