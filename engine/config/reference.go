package config

import (
	"regexp"
	"strings"
)

// references are the two texts that mean something inside a text of the own format:
// ${NAME}, the value of an environment variable, and $${, which stands for ${.
var references = regexp.MustCompile(`\$\$\{|\$\{([^}]*)\}?`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces the references in a text of the own format. A text that is one
// reference is read as os.environ/NAME is; otherwise the value is a text, and unset if
// any of its variables is.
func (b *builder) expand(v *value) *value {
	if !b.ownFormat || v.kind != text || !strings.Contains(v.text, "${") {
		return v
	}
	if m := references.FindStringSubmatch(v.text); m != nil && m[0] == v.text && variableName.MatchString(m[1]) && strings.HasSuffix(m[0], "}") {
		return b.variable(m[1], v.line)
	}
	out := &value{kind: text, line: v.line}
	out.text = references.ReplaceAllStringFunc(v.text, func(found string) string {
		if found == "$${" {
			return "${"
		}
		name, closed := strings.CutSuffix(strings.TrimPrefix(found, "${"), "}")
		if !closed || !variableName.MatchString(name) {
			b.errorf(v.line, "", "has a ${ that begins no ${NAME} of an environment variable; write $${ for the characters themselves")
			return ""
		}
		env, ok := b.lookupEnv(name)
		if out.env == "" || !ok && !out.unset {
			out.env = name
		}
		out.unset = out.unset || !ok
		b.secrets.addEnv(env, name)
		return strings.TrimRight(env, "\r\n") // that of a mounted secret ends no longer text
	})
	switch {
	case out.unset:
		return &value{line: v.line, env: out.env, unset: true}
	case out.env != "":
		out.composed = true
		b.secrets.addEnv(out.text, out.env)
		b.secrets.addURL(out.text)
	}
	return out
}

// variable returns the value of an environment variable; true and false are truth
// values, as in LiteLLM.
func (b *builder) variable(name string, line int) *value {
	out := &value{line: line, env: name}
	env, ok := b.lookupEnv(name)
	if !ok {
		out.unset = true
		return out
	}
	b.secrets.addEnv(env, name)
	b.secrets.addURL(env)
	out.kind, out.text = text, env
	switch strings.ToLower(strings.TrimSpace(env)) {
	case "true", "false":
		out.kind, out.text = boolean, pyBool(strings.TrimSpace(env))
	}
	return out
}
