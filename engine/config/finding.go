package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxFindings is how many errors, and how many warnings, are listed one by one.
const MaxFindings = 100

// Finding is an error, a warning or a note about a file.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"` // from 1; 0 = the file as a whole
	Key     string `json:"key,omitempty"`  // such as deployments[3].limits.rpm
	Message string `json:"message"`
}

// String returns file:line: key: message.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	b.WriteString(": ")
	if f.Key != "" {
		b.WriteString(f.Key)
		b.WriteString(": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Error is why a file was rejected.
type Error struct {
	Findings []Finding // in order of lines, at most [MaxFindings]
	Omitted  int       // further ones
	Warnings []Finding // they may explain the errors: a misspelt key is one

	cause error // of a file that could not be read
}

// Unwrap returns why the file could not be read, such as [io/fs.ErrPermission]; nil if its
// text is wrong.
func (e *Error) Unwrap() error { return e.cause }

// Error returns one line per finding.
func (e *Error) Error() string {
	lines := make([]string, 0, len(e.Findings)+1)
	for _, f := range e.Findings {
		lines = append(lines, f.String())
	}
	if e.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("and %d more errors", e.Omitted))
	}
	return strings.Join(lines, "\n")
}

// findings collects what there is to say about one file.
type findings struct {
	file             string
	errors, warnings []Finding
	notes            []Finding
	moreErrors       int
	moreWarnings     int
	moreNotes        int
	undone           []Finding
	moreUndone       int
	fallbackLines    map[string]int // where the fallbacks of a group stand
	unreadable       bool           // there is nothing to look for meaning in
}

func (f *findings) errorf(line int, key, format string, args ...any) {
	f.add(&f.errors, &f.moreErrors, line, key, format, args)
}

// breakf reports an error after which the file's meaning cannot be looked at.
func (f *findings) breakf(line int, format string, args ...any) {
	f.unreadable = true
	f.errorf(line, "", format, args...)
}

func (f *findings) warnf(line int, key, format string, args ...any) {
	f.add(&f.warnings, &f.moreWarnings, line, key, format, args)
}

// notef reports what is good to know and needs no mending.
func (f *findings) notef(line int, key, format string, args ...any) {
	f.add(&f.notes, &f.moreNotes, line, key, format, args)
}

// undonef reports what LiteLLM does and serve does not.
func (f *findings) undonef(line int, key, format string, args ...any) {
	f.add(&f.undone, &f.moreUndone, line, key, format, args)
}

func (f *findings) add(to *[]Finding, more *int, line int, key, format string, args []any) {
	if len(*to) == MaxFindings {
		*more++
		return
	}
	one := Finding{File: f.file, Line: line, Key: strings.TrimSuffix(key, "."), Message: fmt.Sprintf(format, args...)}
	if key == "" || !slices.Contains(*to, one) { // a section may be read more than once
		*to = append(*to, one)
	}
}

// err returns the errors found, nil if there are none. mask hides secrets.
func (f *findings) err(mask func(string) string) error {
	if len(f.errors) == 0 {
		return nil
	}
	return &Error{Findings: settle(f.errors, mask), Omitted: f.moreErrors, Warnings: f.warned(mask)}
}

// warned returns the warnings.
func (f *findings) warned(mask func(string) string) []Finding {
	list := settle(f.warnings, mask)
	if f.moreWarnings > 0 {
		list = append(list, Finding{File: f.file, Message: fmt.Sprintf("and %d more warnings", f.moreWarnings)})
	}
	return list
}

// noted returns the notes.
func (f *findings) noted(mask func(string) string) []Finding {
	list := settle(f.notes, mask)
	if f.moreNotes > 0 {
		list = append(list, Finding{File: f.file, Message: fmt.Sprintf("and %d more notes", f.moreNotes)})
	}
	return list
}

// settle orders findings by line and hides secrets in them.
func settle(list []Finding, mask func(string) string) []Finding {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	for i := range list {
		list[i].Key, list[i].Message = mask(list[i].Key), mask(list[i].Message)
	}
	return list
}
