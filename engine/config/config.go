package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plimsoll-dev/plimsoll/engine"
)

// Format is the kind of a file.
type Format string

// The formats that are read.
const (
	FormatPlimsoll Format = "plimsoll"
	FormatLiteLLM  Format = "litellm"
)

// Options change how a file is read. The zero value is ready for use.
type Options struct {
	// LookupEnv returns the value of an environment variable and whether it is
	// set; nil = os.LookupEnv.
	LookupEnv func(name string) (string, bool)
	// Profiles is the rule of deployments without a profile of their own, in place
	// of the file's; [ProfilesUnset] = the file's, plain if it has none.
	Profiles Profiles
	// Strict makes a routing strategy of a LiteLLM file that plimsoll does
	// not have an error; otherwise it is a warning, and the default strategy is used.
	Strict bool

	only    []string          // keys of a YAML file that are read; nil = all
	fileEnv map[string]string // environment_variables of a LiteLLM file
	include bool              // files that a file includes may be read
	liteLLM bool              // the file is a part of a LiteLLM file
	read    func(*liteLLM)    // receives the reader of a LiteLLM file; nil = unused
}

// File is the contents of a configuration file. It does not change after it was returned,
// except by [File.Continue], and may be read from many goroutines.
type File struct {
	Format Format
	Engine engine.Config // passes Validate
	Store  Store
	// Endpoints are the endpoints of the deployments, by their IDs. The engine may choose a
	// deployment without one, but package transport cannot call it. Nil if none has one.
	Endpoints map[string]Endpoint
	// Counting are the sources of the deployments' profiles, by ID.
	Counting map[string]Counting
	// Identities says, by the ID of a deployment of a LiteLLM file, which one it is
	// whatever its parameters; see [File.Continue]. In the own format, whose ids are
	// stable, only deployments with a store_id have one.
	Identities map[string]Identity
	// Hidden are aliases of a LiteLLM file that are not to be listed as models.
	Hidden map[string]bool
	// Modes says, by the ID of a deployment, what a LiteLLM file names as its mode,
	// such as embedding; a deployment without one is missing.
	Modes map[string]string
	// Sync says, by the ID of a deployment, how nodes keep its limits together; a deployment
	// that leaves it to [Store.Mode] is missing.
	Sync map[string]Sync
	// Routing is how the proxy goes on where a group has failed.
	Routing  Routing
	Warnings []Finding // at most MaxFindings, and one that says how many more there were
	// Notes say what is good to know and no reason to change the file, such as
	// deployments of a LiteLLM file that have no endpoint. As many as Warnings.
	Notes []Finding
	// Undone says what LiteLLM does with a LiteLLM file and `plimsoll serve` does not,
	// setting by setting.
	Undone []Finding
	// Included are the files that were read beside this one.
	Included []Source
	// MasterKey is the master key of a LiteLLM file, or of LITELLM_MASTER_KEY where the file
	// has none, which `plimsoll serve` takes as a token with all scopes; zero = none, or its
	// environment variable is not set or empty.
	MasterKey Credential

	secrets *secrets
}

// Source is a file that was read.
type Source struct {
	Path string
	Info fs.FileInfo // just before it was read; nil = it was not there
}

// Mask returns a text with the file's secrets in it replaced: API keys and
// passwords by "(hidden)", values of environment variables by their names. Use
// it for IDs, groups, models and tags before they are shown.
func (f *File) Mask(text string) string { return f.secrets.mask(text) }

// Load reads the file at path, and those that it includes, as [Parse] does. The error is an
// [*Error]; if the file at path could not be read, it unwraps to the reason, such as
// [io/fs.ErrNotExist].
func Load(path string, o Options) (*File, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, &Error{Findings: []Finding{{File: path, Message: err.Error()}}, cause: err}
	}
	o.include = true
	return Parse(path, data, o)
}

// Parse reads a configuration. name is what findings call it; if it ends in
// .json, data is JSON, otherwise YAML. An error is an [*Error].
func Parse(name string, data []byte, o Options) (*File, error) {
	found := &findings{file: name}
	hide := &secrets{}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Profiles != ProfilesUnset && !slices.Contains(profilesNames, string(o.Profiles)) {
		found.errorf(0, "", "cannot be read: Options.Profiles is %q; use %s, or nothing for what the file says", o.Profiles, listed(profilesNames))
	}
	o = o.withFileEnv(fileEnv(o, data, strings.EqualFold(filepath.Ext(name), ".json")))
	root, format := readTree(found, hide, o, data, strings.EqualFold(filepath.Ext(name), ".json"))
	out := &File{Format: format, Counting: map[string]Counting{}, Modes: map[string]string{}, Sync: map[string]Sync{}, secrets: hide}
	if !found.unreadable {
		keys := &keysUsed{lookup: o.LookupEnv, unset: map[string]*mention{}}
		s := section{findings: found, secrets: hide, table: root, keys: keys}
		if format == FormatLiteLLM {
			readLiteLLM(s, o, out)
			keys.report(found.notef)
			out.halfServed(found.notef, hide.quote)
			out.checkRouting(found.fallbackLines, found.warnf, hide.quote)
		} else {
			readPlimsoll(s, o, out)
			keys.report(found.warnf)
			out.halfServed(found.warnf, hide.quote)
			out.checkRouting(found.fallbackLines, found.warnf, hide.quote)
		}
	}
	if len(found.errors) == 0 {
		// All of this was looked at with its line; what is left has none.
		if err := out.Engine.Validate(); err != nil {
			found.errorf(0, "", "%v", err)
		}
	}
	hide.prepare()
	if err := found.err(hide.mask); err != nil {
		return nil, err
	}
	out.Warnings, out.Notes, out.Undone = found.warned(hide.mask), found.noted(hide.mask), settle(found.undone, hide.mask)
	return out, nil
}

// readTree turns bytes into values.
func readTree(found *findings, hide *secrets, o Options, data []byte, isJSON bool) (*value, Format) {
	data, line, err := clean(data)
	if err != nil {
		found.breakf(line, "%v", err)
		return nil, ""
	}
	if line := oddlyIndented(data); line > 0 {
		found.warnf(line, "", "the line is indented with a no-break space or another space that YAML takes for text; use plain spaces")
	}
	b := builder{findings: found, secrets: hide, lookupEnv: o.LookupEnv, ownFormat: !o.liteLLM}
	if isJSON {
		j := jsonBuilder{builder: b, data: data}
		root := j.root()
		return root, formatOf(found, hide, root)
	}
	node, line, err := parseYAML(data)
	if err != nil {
		found.breakf(line, "%v", err)
		return nil, ""
	}
	if o.only != nil {
		node = pruned(node, o.only)
	}
	y := newYAMLBuilder(b, node)
	root := y.value(node, 1, false).value
	return root, formatOf(found, hide, root)
}

// formatOf returns which format a file has. It refuses a file of neither.
func formatOf(found *findings, hide *secrets, root *value) Format {
	switch {
	case found.unreadable:
	case hide.tooMany():
		found.breakf(0, "has more than %d secrets, which are more than can be kept from being shown", maxSecrets)
	case root.kind == null:
		found.breakf(0, "%v", errEmpty)
	case root.kind != table:
		above := "deployments: followed by a list"
		if root.kind == list && len(root.items) > 0 && root.items[0].get("model_name") != nil {
			above = modelList + ": followed by this list"
		}
		found.breakf(root.line, "is %s; a configuration is a mapping, such as %s", root.kind, above)
	case ofLiteLLM(root.keys()):
		return FormatLiteLLM
	}
	return FormatPlimsoll
}
