package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// fileEnv returns the variables that a LiteLLM file sets by environment_variables:
// LiteLLM puts them into its environment before it reads the rest.
func fileEnv(o Options, data []byte, isJSON bool) map[string]string {
	if !bytes.Contains(data, []byte("environment_variables")) {
		return nil
	}
	o.only = []string{"environment_variables", "<<"}
	root, format := readTree(&findings{}, &secrets{}, o, data, isJSON)
	if format != FormatLiteLLM || root == nil {
		return nil
	}
	vars := map[string]string{}
	if set := root.get("environment_variables"); set != nil {
		for _, p := range set.pairs {
			if p.key.kind == text && !p.value.absent() && !p.value.unset && p.value.kind != list && p.value.kind != table {
				vars[p.key.text] = p.value.text
			}
		}
	}
	return vars
}

// withFileEnv returns options that look a variable up among those of the file first.
func (o Options) withFileEnv(vars map[string]string) Options {
	if len(vars) == 0 {
		return o
	}
	before := o.LookupEnv
	o.fileEnv = vars
	o.LookupEnv = func(name string) (string, bool) {
		if value, ok := vars[name]; ok {
			return value, true
		}
		return before(name)
	}
	return o
}

// keyFrom returns the key that a variable holds: a variable of the file is not there
// when calls are made, so its value is kept.
func (r *liteLLM) keyFrom(name string, line int) Credential {
	if value := strings.TrimSpace(r.options.fileEnv[name]); value != "" {
		return Credential{literal: &value}
	}
	r.keys.use(name, line)
	return Credential{env: name}
}

// maxIncluded is how many files a file may include.
const maxIncluded = 100

// includes reads the deployments, and the settings that this file lacks, of the files
// that it includes. Theirs is no include of their own.
func (r *liteLLM) includes(out *File) (others []*findings) {
	list := r.table.get("include")
	if list.absent() {
		return nil
	}
	if !r.options.include {
		r.errorf(list.line, "include", "other files are read only by config.Load, which knows where this one is")
		return nil
	}
	names := r.texts("include")
	if len(names) > maxIncluded {
		r.errorf(list.line, "include", "names %d files; at most %d are read", len(names), maxIncluded)
		return nil
	}
	part := r.options
	part.liteLLM = true
	for _, name := range names {
		if !filepath.IsLocal(name) {
			r.errorf(list.line, "include", "%s is not below this file's directory; name files by relative paths", r.secrets.quote(name))
			continue
		}
		path := filepath.Join(filepath.Dir(r.file), name)
		other := &findings{file: path}
		others = append(others, other)
		info, _ := os.Stat(path) // reading it says why
		out.Included = append(out.Included, Source{path, info})
		data, err := readFile(path)
		if err != nil {
			other.errorf(0, "", "%v", err)
			continue
		}
		root, _ := readTree(other, r.secrets, part, data, strings.EqualFold(filepath.Ext(path), ".json"))
		if other.unreadable || root == nil || root.kind != table {
			continue
		}
		s := r.section
		s.findings, s.table = other, root
		if root.get(modelList) != nil {
			r.lists = append(r.lists, s)
		}
		for _, p := range root.pairs {
			if p.key.kind == text && p.key.text != modelList && p.key.text != "include" && r.table.get(p.key.text).absent() {
				r.table.pairs = append(r.table.pairs, p)
			}
		}
	}
	return others
}

// absorb adds what another file has to say.
func (f *findings) absorb(other *findings) {
	f.errors = append(f.errors, other.errors...)
	f.warnings = append(f.warnings, other.warnings...)
	f.notes = append(f.notes, other.notes...)
	f.undone = append(f.undone, other.undone...)
	f.moreErrors += other.moreErrors
	f.moreWarnings += other.moreWarnings
	f.moreNotes += other.moreNotes
	f.moreUndone += other.moreUndone
}
