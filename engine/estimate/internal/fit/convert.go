package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"html"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// convert makes plain text of a file of the corpus: packed files unpacked, HTML
// and manual pages without their markup, of message catalogues the translations.
// It returns "" for what is no text.
func convert(kind, name string, data []byte) (string, error) {
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return "", err
		}
		if data, err = io.ReadAll(io.LimitReader(z, 16<<20)); err != nil {
			return "", err
		}
		name = strings.TrimSuffix(name, ".gz")
	}
	ext := filepath.Ext(name)
	if ext == ".mo" {
		var err error
		if data, err = translations(data); err != nil {
			return "", err
		}
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return "", nil
	}
	text := string(data)
	switch {
	case kind == "code":
	case ext == ".html" || ext == ".page":
		text = stripMarkup(text)
	case len(ext) >= 2 && ext[1] >= '1' && ext[1] <= '9':
		text = stripRoff(text)
	}
	return strings.TrimSpace(text), nil
}

var (
	hidden   = regexp.MustCompile(`(?is)<!--.*?-->|<(script|style|head|info)\b.*?</(script|style|head|info)>`)
	tag      = regexp.MustCompile(`<[^>]*>`)
	margins  = regexp.MustCompile(`[ \t]*\n[ \t]*`)
	gaps     = regexp.MustCompile(`\n{3,}`)
	roffFont = regexp.MustCompile(`\\f(\[[^\]]*\]|\([A-Za-z]{2}|[A-Za-z0-9])|\\s[-+]?[0-9]|\\[&%/,:|^]`)
)

func stripMarkup(s string) string {
	s = tag.ReplaceAllString(hidden.ReplaceAllString(s, ""), "")
	s = strings.ReplaceAll(html.UnescapeString(s), "\u00a0", " ")
	return gaps.ReplaceAllString(margins.ReplaceAllString(s, "\n"), "\n\n")
}

func stripRoff(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".\\\"") {
			continue
		}
		if strings.HasPrefix(line, ".") {
			// A request or macro: what it is applied to is text.
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch word {
			case ".SH", ".SS", ".Sh", ".Ss":
				b.WriteByte('\n')
			case ".B", ".I", ".BR", ".IR", ".BI", ".RB", ".RI", ".IB", ".Nm", ".Fl", ".Ar":
			default:
				continue
			}
			line = strings.ReplaceAll(rest, `"`, "") + "\n"
		}
		line = roffFont.ReplaceAllString(line, "")
		b.WriteString(strings.NewReplacer(`\-`, "-", `\(bu`, "*", `\(aq`, "'", `\e`, `\`, `\ `, " ").Replace(line))
	}
	return gaps.ReplaceAllString(b.String(), "\n\n")
}

// translations returns what a compiled gettext catalogue translates to, one
// message a line.
func translations(data []byte) ([]byte, error) {
	if len(data) < 28 {
		return nil, fmt.Errorf("a catalogue of %d bytes", len(data))
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint32(data) != 0x950412de {
		order = binary.BigEndian
	}
	var out []byte
	n, at := order.Uint32(data[8:]), order.Uint32(data[16:])
	for i := range n {
		entry := uint64(at) + uint64(i)*8
		if entry+8 > uint64(len(data)) {
			return nil, fmt.Errorf("a catalogue cut short")
		}
		size, from := uint64(order.Uint32(data[entry:])), uint64(order.Uint32(data[entry+4:]))
		if from+size > uint64(len(data)) {
			return nil, fmt.Errorf("a catalogue cut short")
		}
		if i == 0 {
			continue // the header
		}
		out = append(out, bytes.ReplaceAll(data[from:from+size], []byte{0}, []byte{'\n'})...)
		out = append(out, '\n')
	}
	return out, nil
}
