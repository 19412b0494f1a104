package config_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plimsoll-dev/plimsoll/engine/config"
	"github.com/plimsoll-dev/plimsoll/engine/provider"
)

// object is the part of a JSON Schema that is looked at here.
type object struct {
	Properties           map[string]object `json:"properties"`
	Items                *object           `json:"items"`
	AnyOf                []object          `json:"anyOf"`
	AdditionalProperties any               `json:"additionalProperties"`
	Required             []string          `json:"required"`
	Enum                 []string          `json:"enum"`
	Description          string            `json:"description"`
	Defs                 map[string]object `json:"$defs"`
}

func keys(o object) []string { return slices.Sorted(maps.Keys(o.Properties)) }

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// The schema for editors and docs/CONFIG.md name the keys that are read.
func TestSchemaAndDocumentKnowEveryKey(t *testing.T) {
	root := readJSON[object](t, "../../docs/config.schema.json")
	deployment := *root.Properties["deployments"].Items
	store, endpoint := root.Properties["store"], deployment.Properties["endpoint"]
	profile := deployment.Properties["profile"].AnyOf[2]
	for _, tt := range []struct {
		name string
		keys []string
		in   object
	}{
		{"file", config.FileKeys, root},
		{"deployment", config.DeploymentKeys, deployment},
		{"store", config.StoreKeys, store},
		{"endpoint", config.EndpointKeys, endpoint},
		{"profile", config.ProfileKeys, profile},
		{"weights", config.WeightKeys, profile.Properties["weights"]},
	} {
		require.Equal(t, sorted(tt.keys), keys(tt.in), tt.name)
		require.Equal(t, false, tt.in.AdditionalProperties, tt.name)
		for key, property := range tt.in.Properties {
			require.NotEmpty(t, property.Description, "%s: %s", tt.name, key)
		}
	}
	require.Equal(t, []string{"deployments"}, root.Required)
	require.Equal(t, []string{"id", "group"}, deployment.Required)
	require.Equal(t, []string{"url"}, store.Required)
	require.Equal(t, []string{"least-utilized", "lowest-tpm", "power-of-two", "weighted", "least-busy"}, root.Properties["strategy"].Enum)
	require.Equal(t, []string{"openai", "azure", "anthropic"}, endpoint.Properties["api"].Enum)
	require.Equal(t, provider.Names(), root.Defs["provider"].Enum)
	require.Equal(t, []string{"auto", "plain"}, root.Properties["profiles"].Enum)
	for key, text := range map[string]func(int) string{
		"shape": func(i int) string { return provider.Shape(i).String() },
		"admit": func(i int) string { return provider.Admit(i).String() },
		"day":   func(i int) string { return provider.Day(i).String() },
	} {
		var names []string
		for i := 0; !strings.Contains(text(i), "("); i++ {
			names = append(names, text(i))
		}
		require.Equal(t, names, profile.Properties[key].Enum, key)
	}

	text, err := os.ReadFile("../../docs/CONFIG.md")
	require.NoError(t, err)
	for _, list := range [][]string{config.FileKeys, config.DeploymentKeys, config.StoreKeys, config.EndpointKeys, config.ProfileKeys, config.WeightKeys} {
		for _, key := range list {
			require.Contains(t, string(text), "| `"+key+"` |")
		}
	}
}

// Every example of the documents that is a whole file is one that is taken.
func TestExamplesOfTheDocuments(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	found := 0
	for _, path := range []string{"../../docs/CONFIG.md", "../../docs/LITELLM.md"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1], "deployments:") && !strings.Contains(m[1], "model_list:") {
				continue
			}
			found++
			_, err := config.Parse(path, []byte(m[1]), config.Options{LookupEnv: func(name string) (string, bool) {
				if name == "VALKEY_URL" {
					return "valkey://localhost:6379", true
				}
				return "value-of-" + name, true
			}})
			require.NoError(t, err, m[1])
		}
	}
	require.Positive(t, found)
}

// The vectors that docs/LITELLM.md names are there to be looked at.
func TestVectorsOfTheDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/LITELLM.md")
	require.NoError(t, err)
	names := regexp.MustCompile("`(selection|precheck|flow|record):([^`]+)`").FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(names), 20)
	for _, m := range names {
		vectors, err := os.ReadFile("../testdata/" + m[1] + ".json")
		require.NoError(t, err)
		require.Contains(t, string(vectors), `"name":"`+m[2]+`"`)
	}
}
