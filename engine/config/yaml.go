package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDirectives is how many %TAG directives a file may have. A configuration
// needs none.
const maxDirectives = 100

// parseYAML returns the nodes of the only document in a file. line is where it
// is wrong, 0 where that is not known.
func parseYAML(data []byte) (root *yaml.Node, line int, err error) {
	defer func() {
		// The library panics on its own inconsistencies. A file that finds one
		// must not end the process.
		if r := recover(); r != nil {
			root, line, err = nil, 0, errors.New("is YAML that the reader cannot make sense of; simplify it")
		}
	}()
	// The library compares every one of them with every other.
	if n := bytes.Count(data, []byte("%TAG")); n > maxDirectives {
		return nil, 0, fmt.Errorf("has %d %%TAG directives; at most %d are read", n, maxDirectives)
	}
	dec := yaml.NewDecoder(bytes.NewReader(asVersion11(data)))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, 0, errEmpty
		}
		line, err = yamlError(data, err)
		return nil, line, err
	}
	var next yaml.Node
	if err := dec.Decode(&next); err == nil {
		return nil, next.Line, errors.New("a second document begins here (after ---); a configuration is one document")
	} else if !errors.Is(err, io.EOF) {
		line, err = yamlError(data, err)
		return nil, line, err
	}
	return doc.Content[0], 0, nil
}

// versionDirective is that of YAML 1.2 and others, at the beginning of a file.
var versionDirective = regexp.MustCompile(`\A((?:[ \t]*(?:#[^\n]*)?\r?\n)*%YAML[ \t]+1\.)[0-9]+`)

// asVersion11 returns a file without a version that the library refuses: it is read by the
// rules of YAML 1.1, as PyYAML does whatever its version says.
func asVersion11(data []byte) []byte {
	if !bytes.Contains(data[:min(len(data), 4096)], []byte("%YAML")) {
		return data
	}
	return versionDirective.ReplaceAll(data, []byte("${1}1"))
}

// pruned returns a mapping with some of its keys, and a model_list without entries where
// it is LiteLLM's: the rest is not unfolded.
func pruned(root *yaml.Node, keys []string) *yaml.Node {
	out := *root
	if root.Kind != yaml.MappingNode {
		return root
	}
	out.Content = nil
	if all := keysOfNode(root); ofLiteLLM(all) && !slices.Contains(all, modelList) {
		out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: modelList}, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"})
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch {
		case key.Value == modelList:
			value = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: value.Line}
		case !slices.Contains(keys, key.Value):
			continue
		}
		out.Content = append(out.Content, key, value)
	}
	return &out
}

var (
	errEmpty      = errors.New("is empty; a configuration has at least a list of deployments")
	yamlErrorText = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	anchorText    = regexp.MustCompile(`^unknown anchor '?([^' ]*).*$`)
)

// yamlError puts the library's words into ours. What they quote of the file is
// left out: it may be a key that begins with an asterisk.
func yamlError(data []byte, err error) (int, error) {
	m := yamlErrorText.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return 0, errors.New("is not YAML")
	}
	if line := tabbed(data); line > 0 && !strings.HasPrefix(m[2], "exceeded") {
		return line, errors.New("is not YAML: the line is indented with a tab; use spaces")
	}
	line, _ := strconv.Atoi(m[1]) // 0 if there is none
	hint := ""
	switch name := anchorText.FindStringSubmatch(m[2]); {
	case line > 0:
		line = brokenLine(data, line)
	case name != nil:
		line = lineOf(data, "*"+name[1])
	case !strings.HasPrefix(m[2], "exceeded") && !strings.Contains(m[2], "excessive"):
		line = 1 // the library names no line for the first one
	}
	if bytes.Contains(data, []byte("{{")) {
		hint = "; {{…}} of a template must be rendered first, as by helm template"
	}
	return line, fmt.Errorf("is not YAML: %s"+hint, anchorText.ReplaceAllString(m[2], "an alias (*name) refers to no anchor (&name) before it; quote a text that begins with *"))
}

// lineOf returns the first line that holds a text, 0 if none does.
func lineOf(data []byte, text string) int {
	before, _, found := bytes.Cut(data, []byte(text))
	if !found {
		return 0
	}
	return bytes.Count(before, []byte("\n")) + 1
}

// longestSearched is the largest file, in bytes, in which brokenLine searches.
const longestSearched = 64 << 10

// brokenLine returns the line at which a file ceases to be YAML. The library names
// the line before the one where the broken list or mapping begins, from which the
// search goes down: what comes before the broken line can be read.
func brokenLine(data []byte, from int) int {
	if len(data) > longestSearched {
		return from
	}
	n, end := 0, 0
	for line := range bytes.Lines(data) {
		n, end = n+1, end+len(line)
		if n < from {
			continue
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(data[:end], &doc); err != nil {
			return n
		}
	}
	return from
}

// tabbed returns the first line with a tab in its indentation, 0 if none has.
func tabbed(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		rest := bytes.TrimLeft(line, " \t")
		if len(bytes.TrimSpace(rest)) > 0 && bytes.IndexByte(line[:len(line)-len(rest)], '\t') >= 0 {
			return n
		}
	}
	return 0
}

// yamlBuilder unfolds nodes into values.
type yamlBuilder struct {
	builder
	open map[*yaml.Node]bool // being unfolded
	done map[place]sized     // anchored, unfolded
}

// place is a node, and whether it stands where everything is secret.
type place struct {
	node   *yaml.Node
	secret bool
}

// keysOfNode returns the keys of a mapping.
func keysOfNode(n *yaml.Node) []string {
	var keys []string
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		keys = append(keys, n.Content[i].Value)
	}
	return keys
}

// newYAMLBuilder makes a builder for a file. In a LiteLLM file a key may stand
// twice in a mapping, as PyYAML allows.
func newYAMLBuilder(b builder, root *yaml.Node) *yamlBuilder {
	b.lastWins = b.lastWins || ofLiteLLM(keysOfNode(root))
	b.ownFormat = b.ownFormat && !b.lastWins
	return &yamlBuilder{builder: b, open: map[*yaml.Node]bool{}, done: map[place]sized{}}
}

var nothing = sized{&value{}, 1}

// value unfolds a node. It returns nothing, and has reported an error, for what
// it cannot read.
func (b *yamlBuilder) value(n *yaml.Node, depth int, secret bool) sized {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode {
		return sized{b.scalar(n, secret), 1}
	}
	at := place{n, secret}
	if v, ok := b.done[at]; ok {
		return v
	}
	if b.open[n] {
		b.breakf(n.Line, "the anchor here is used inside itself; a configuration has an end")
		return nothing
	}
	if b.tooDeep(n.Line, depth) {
		return nothing
	}
	b.open[n] = true
	var v sized
	if n.Kind == yaml.MappingNode {
		v = b.mapping(n, depth, secret)
	} else {
		v = b.list(n, depth, secret)
	}
	delete(b.open, n)
	if b.tooMuch(n.Line, v.size) {
		v = nothing
	}
	if n.Anchor != "" {
		b.done[at] = v
	}
	return v
}

func (b *yamlBuilder) list(n *yaml.Node, depth int, secret bool) sized {
	b.onlyTag(n, "!!seq")
	out := sized{&value{kind: list, line: n.Line, items: make([]*value, 0, len(n.Content))}, 1}
	for _, item := range n.Content {
		v := b.value(item, depth+1, secret)
		out.items = append(out.items, b.expand(v.value))
		if out.size += v.size; out.size > MaxUnfolded {
			break
		}
	}
	return out
}

func (b *yamlBuilder) mapping(n *yaml.Node, depth int, secret bool) sized {
	b.onlyTag(n, "!!map")
	m := newMapping(n.Line)
	for i := 0; i < len(n.Content); i += 2 {
		if merges(n.Content[i]) {
			b.merge(m, n.Content[i+1], depth, secret)
		}
	}
	for i := 0; i < len(n.Content) && m.size <= MaxUnfolded; i += 2 {
		key := n.Content[i]
		if merges(key) {
			continue
		}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			b.breakf(key.Line, "a list or mapping is used as a key; keys are texts. {{…}} of a template must be rendered first")
			continue
		}
		k := *b.scalar(key, false)
		k.line = n.Content[i].Line
		v := b.value(n.Content[i+1], depth+1, secret || k.kind == text && secretKey(k.text))
		b.put(m, pair{&k, b.fill(v.value)}, v.size)
	}
	return sized{&m.table, m.size}
}

// merges reports whether a key is YAML 1.1's merge key.
func merges(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && n.Style == 0
}

// merge adds the entries of a mapping, or of several: the first of them wins.
func (b *yamlBuilder) merge(m *mapping, n *yaml.Node, depth int, secret bool) {
	v := b.value(n, depth+1, secret)
	if v.value == nothing.value {
		return // reported
	}
	from := []*value{v.value}
	if v.kind == list {
		from = v.items
	}
	for _, f := range slices.Backward(from) {
		if f.kind != table {
			b.breakf(n.Line, "<<: %s; a merge key takes a mapping or a list of mappings", f.found())
			return
		}
		for _, p := range f.pairs {
			m.set(p, 0)
		}
	}
	m.size += v.size
}

func (b *yamlBuilder) scalar(n *yaml.Node, secret bool) *value {
	v := &value{line: n.Line}
	var err error
	quoted := n.Style&^yaml.TaggedStyle != 0
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		err = v.tagged(n.Tag, n.Value)
	case quoted:
		v.kind, v.text = text, n.Value
	default:
		v.kind, v.text, err = resolvePlain(n.Value)
	}
	if err != nil {
		b.breakf(n.Line, "%v", err)
		return &value{line: n.Line}
	}
	b.keep(v, secret)
	if secret && !(b.ownFormat && strings.Contains(n.Value, "${")) {
		b.secrets.add(n.Value)
	}
	return v
}

var errTag = errors.New("there is a tag (!name) here that is not read; leave it out, and quote a text that begins like one")

// tagged reads a scalar with an explicit tag.
func (v *value) tagged(tag, s string) (err error) {
	switch tag {
	case "!!str":
		v.kind, v.text = text, s
	case "!!null":
		v.kind = null
	case "!!bool":
		if !boolPattern.MatchString(s) {
			return errTag
		}
		v.kind, v.text = boolean, pyBool(s)
	case "!!int", "!!float", "!!timestamp":
		v.kind, v.text, err = resolvePlain(s)
		if want := map[string]kind{"!!int": integer, "!!float": float, "!!timestamp": date}[tag]; err == nil && v.kind != want {
			if v.kind != integer || want != float {
				return errTag
			}
			v.kind, v.text = float, pyFloat(v.number())
		}
	default:
		return errTag
	}
	return err
}

// onlyTag refuses a list or mapping with another tag than its own.
func (b *yamlBuilder) onlyTag(n *yaml.Node, own string) {
	if n.Style&yaml.TaggedStyle != 0 && n.Tag != own {
		b.breakf(n.Line, "%v", errTag)
	}
}
