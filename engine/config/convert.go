package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// ErrOwnFormat is wrapped by the error of [Convert] for a file that needs no conversion.
var ErrOwnFormat = errors.New("is in plimsoll's own format already")

// Converted is a LiteLLM file in plimsoll's own format.
type Converted struct {
	// Text is YAML. A comment behind each value names the file and the line of its
	// source. Text contains no secret.
	Text []byte
	// Variables are the environment variables that replace texts of the LiteLLM file. They
	// must be set before Text is used. Variables to which the LiteLLM file refers itself are
	// not listed.
	Variables []Variable
	// File is the contents of the LiteLLM file.
	File *File
}

// Variable is an environment variable that takes the place of a text.
type Variable struct {
	Name string
	From string // file:line of the text, and its key
}

// Convert reads the LiteLLM file at path and returns it in plimsoll's own format, with the same
// deployments, limits, aliases, strategy, endpoints and store. Comments list the functions of
// LiteLLM that plimsoll does not have. API keys, passwords, values of
// headers and other secrets become references to environment variables, ${NAME}; a
// reference to a variable keeps its name.
//
// Convert reads its result again and compares it with the file. The error
// is an [*Error] if the file cannot be used, and wraps [ErrOwnFormat] if it is in the
// own format already.
func Convert(path string, o Options) (*Converted, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, &Error{Findings: []Finding{{File: path, Message: err.Error()}}}
	}
	o.include = true
	return convert(path, data, o)
}

// convert is [Convert] of a file that was read already. Files that it includes are not.
func convert(name string, data []byte, o Options) (*Converted, error) {
	var r *liteLLM
	o.read = func(reader *liteLLM) { r = reader }
	file, err := Parse(name, data, o)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("%s %w", name, ErrOwnFormat)
	}
	c := &converter{file: file, reader: r, values: map[string]string{}, names: map[string]string{}}
	c.write(o.Profiles)
	if err := c.verify(o); err != nil {
		return nil, err
	}
	return &Converted{Text: c.out.Bytes(), Variables: c.variables, File: file}, nil
}

// converter writes a LiteLLM file in the own format.
type converter struct {
	file      *File
	reader    *liteLLM
	out       bytes.Buffer
	variables []Variable
	names     map[string]string // secret text to the variable that takes its place
	values    map[string]string // and back
}

// origin says where a value stands; "" for a nil one.
func origin(s section, v *value) string {
	if v == nil || v.line == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", s.file, v.line)
}

// line writes key: text, and behind it the comment.
func (c *converter) line(indent int, key, text, comment string) {
	line := strings.Repeat("  ", indent) + key
	if text != "" {
		line += " " + text
	}
	if comment != "" {
		line += " # " + strings.ReplaceAll(comment, "\n", " ")
	}
	c.out.WriteString(line + "\n")
}

// write writes the file.
func (c *converter) write(profiles Profiles) {
	var body bytes.Buffer
	if profiles == ProfilesAuto {
		c.line(0, "profiles:", string(profiles), "")
	}
	strategy := "LiteLLM's default"
	router := c.section("router_settings")
	if v := router.table.get("routing_strategy"); !v.absent() {
		strategy = origin(router, v)
	}
	c.line(0, "strategy:", c.file.Engine.Strategy.String(), strategy)
	c.line(0, "deployments:", "", "")
	for i, d := range c.file.Engine.Deployments {
		c.deployment(c.reader.entries[i], d)
	}
	c.aliases(router)
	c.routing()
	c.store(router)
	body, c.out = c.out, bytes.Buffer{}
	c.head()
	_, _ = c.out.Write(body.Bytes())
}

// section returns a section of the LiteLLM file; an empty one if there is none.
func (c *converter) section(key string) section {
	s, ok := c.reader.within(key)
	if !ok {
		s = c.reader.over(&value{kind: table}, key+".")
	}
	return s
}

// head writes what stands before the file: what to set, and what is not done.
func (c *converter) head() {
	comment := func(format string, args ...any) {
		line := strings.ReplaceAll("# "+fmt.Sprintf(format, args...), "\n", " ")
		c.out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	comment("%s in plimsoll's own format, written by plimsoll check --convert. Each comment", c.reader.file)
	comment("names the line that a value came from. docs/CONFIG.md describes the keys.")
	if len(c.variables) > 0 {
		comment("")
		comment("Set these variables to the texts that the LiteLLM file has there:")
		for _, v := range c.variables {
			comment("  %s: %s", v.Name, v.From)
		}
	}
	list := func(heading string, findings []Finding) {
		if len(findings) == 0 {
			return
		}
		comment("")
		comment("%s", heading)
		for _, f := range findings {
			comment("  %s", f)
		}
	}
	if general := c.section("general_settings"); !general.table.get("master_key").off() {
		comment("")
		comment("This format has no tokens, so the master_key of the LiteLLM file (%s) is not in it:", origin(general, general.table.get("master_key")))
		comment("make tokens with plimsoll token, and serve with --tokens FILE.")
	}
	list("LiteLLM does this with its file; plimsoll serve does not, with either file:", c.file.Undone)
	list("Warnings about the LiteLLM file:", c.file.Warnings)
	list("Notes about the LiteLLM file:", c.file.Notes)
	c.out.WriteString("\n")
}

// aliases writes the aliases in the order of the LiteLLM file.
func (c *converter) aliases(router section) {
	if len(c.file.Engine.Aliases) == 0 {
		return
	}
	c.line(0, "aliases:", "", "")
	from, _ := router.within("model_group_alias")
	for _, p := range from.table.pairs {
		to, ok := c.file.Engine.Aliases[p.key.text]
		if !ok || p.key.kind != text {
			continue
		}
		group := plain(to)
		target := p.value
		if target.kind == table {
			target = target.get("model")
		}
		if target.env != "" {
			group = reference(target.env)
		}
		if c.file.Hidden[p.key.text] {
			group = "{group: " + group + ", hidden: true}"
		}
		c.line(1, plain(p.key.text)+":", group, origin(router, p.key))
	}
}
