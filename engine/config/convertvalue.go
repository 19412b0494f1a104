package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// reference refers to an environment variable in the own format.
func reference(name string) string { return quoted("${" + name + "}") }

// unquoted matches texts that YAML takes without quotes, unless they mean something
// else.
var unquoted = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./+-]*$|^https?://[A-Za-z0-9_./:-]*[A-Za-z0-9_/-]$`)

// plain writes a text as it is read.
func plain(text string) string {
	text = strings.ReplaceAll(text, "${", "$${")
	if kind, _, err := resolvePlain(text); err == nil && kind.String() == "a text" && unquoted.MatchString(text) && !strings.HasPrefix(text, envPrefix) {
		return text
	}
	return quoted(text)
}

// quoted writes a text in double quotes, as JSON has them, which YAML takes too. What
// is a reference stays one.
func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a Buffer takes everything
	return strings.TrimSuffix(b.String(), "\n")
}

// text writes a text of the LiteLLM file: a reference if a variable holds it.
func (c *converter) text(v *value, text string) string {
	if v != nil && v.env != "" {
		return c.variable(v.env, v)
	}
	return plain(text)
}

// variable refers to a variable of the LiteLLM file. Its own environment_variables are
// none of the environment, so they have to be set.
func (c *converter) variable(name string, v *value) string {
	if !variableName.MatchString(name) {
		return c.secret(v.text, "value", fmt.Sprintf("the value of %s", showName(name)))
	}
	if text, ok := c.reader.options.fileEnv[name]; ok {
		c.set(name, text, fmt.Sprintf("%s in its environment_variables", name))
	}
	return reference(name)
}

// secret refers to a variable that takes the place of a text. kind is what its name
// ends with.
func (c *converter) secret(text, kind, from string) string {
	return reference(c.secretName(text, kind, from))
}

// secretName is [converter.secret] where the name alone is wanted.
func (c *converter) secretName(text, kind, from string) string {
	if name, ok := c.names[text]; ok {
		return name
	}
	base := "PLIMSOLL_" + strings.Trim(notInNames.ReplaceAllString(strings.ToUpper(kind), "_"), "_")
	name := base
	for n := 2; ; n++ {
		_, taken := c.values[name]
		if _, set := c.reader.options.LookupEnv(name); !taken && !set {
			break
		}
		name = fmt.Sprintf("%s_%d", base, n)
	}
	c.names[text] = name
	c.set(name, text, from)
	return name
}

var notInNames = regexp.MustCompile(`[^A-Z0-9]+`)

// set remembers a variable that has to be set.
func (c *converter) set(name, text, from string) {
	if _, ok := c.values[name]; ok {
		return
	}
	c.values[name] = text
	c.variables = append(c.variables, Variable{Name: name, From: from})
}

// floatText writes a number with a fraction or an exponent so that YAML 1.1 reads one: it
// takes 1e-05 for a text.
func floatText(text string) string {
	if mantissa, exponent, ok := strings.Cut(text, "e"); ok && !strings.Contains(mantissa, ".") {
		return mantissa + ".0e" + exponent
	}
	return text
}

// literal writes a value that a request gets by default, in one line. Texts under keys
// that hold secrets become references.
func (c *converter) literal(v *value, key string, secret bool, at string) string {
	secret = secret || secretKey(key)
	switch v.kind {
	case boolean:
		if v.env == "" {
			return strings.ToLower(v.text)
		}
		return c.variable(v.env, v)
	case null:
		if v.unset {
			return reference(v.env)
		}
		return "null"
	case integer:
		return v.text
	case float:
		return floatText(v.text)
	case text, date:
		_, number := parsePython(v.text)
		switch {
		case v.env != "":
			return c.variable(v.env, v)
		case secret && v.text != "" && !number, c.file.Mask(v.text) != v.text:
			return c.secret(v.text, key, at+" "+showName(key))
		}
		return quoted(strings.ReplaceAll(v.text, "${", "$${"))
	case list, table:
	}
	var parts []string
	for _, item := range v.items {
		parts = append(parts, c.literal(item, key, secret, at))
	}
	if v.kind == list {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for _, p := range v.pairs {
		parts = append(parts, quoted(p.key.text)+": "+c.literal(p.value, p.key.text, secret, at))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
