package config

import "os"

// Scalar returns what an unquoted scalar is.
func Scalar(s string) (kind, text string, err error) {
	k, text, err := resolvePlain(s)
	names := map[string]string{
		"nothing": "null", "a truth value": "bool", "a whole number": "int", "a number": "float", "a text": "text", "a date": "date",
	}
	return names[k.String()], text, err
}

// GeneratedID returns the generated id of a document with a model_name and
// litellm_params.
func GeneratedID(doc string) (string, error) {
	data, _, err := clean([]byte(doc))
	if err != nil {
		return "", err
	}
	node, _, err := parseYAML(data)
	if err != nil {
		return "", err
	}
	found := &findings{file: "doc"}
	b := newYAMLBuilder(builder{findings: found, secrets: &secrets{}, lookupEnv: os.LookupEnv, lastWins: true}, node)
	root := b.value(node, 1, false)
	if err := found.err(func(s string) string { return s }); err != nil {
		return "", err
	}
	id, _, err := generatedID(root.get("model_name"), root.get("litellm_params"))
	return id, err
}

// The keys of the own format.
var (
	FileKeys       = fileKeys
	DeploymentKeys = deploymentKeys
	StoreKeys      = storeKeys
	EndpointKeys   = endpointKeys
	ProfileKeys    = profileKeys
	WeightKeys     = weightKeys
)

// ConvertText is [Convert] of bytes.
var ConvertText = convert

// SettingsTable is the table of LiteLLM's settings in Markdown.
func SettingsTable() string {
	text := "| where | setting | | what becomes of it |\n| --- | --- | --- | --- |\n"
	for _, s := range settings {
		text += "| `" + string(s.where) + "` | `" + s.key + "` | " + string(s.becomes) + " | " + s.how + " |\n"
	}
	return text
}
