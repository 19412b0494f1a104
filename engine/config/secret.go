package config

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// hidden stands for a secret in output.
const hidden = "(hidden)"

// Secret is a text that no output shows: %v, JSON and loggers print "(hidden)",
// or nothing if it is empty. Convert it to a string to use it, and do not make
// it a map's key, which JSON writes as it is.
type Secret string

// String returns "(hidden)".
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format implements [fmt.Formatter] for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText implements [encoding.TextMarshaler], which JSON and loggers use.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// minHidden is the shortest literal that is looked for inside other texts:
// shorter ones are placeholders more often than secrets.
const minHidden = 6

// secrets are the texts of a file that no output may repeat, with what to write
// in their place.
type secrets struct {
	instead map[string]string
	inside  *strings.Replacer // built on first use
	names   map[string]bool   // that are shown though they are also the value of a secret
}

// addName takes note of a name that the file has as a literal, of a group for instance.
// A word remains visible as a name, even if it is also the value of a secret.
func (s *secrets) addName(v *value) {
	if v == nil || v.kind != text || v.env != "" || !common(v.text) || len(s.names) > maxSecrets {
		return
	}
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[v.text] = true
}

// add hides a literal. The name of an environment variable is no secret.
func (s *secrets) add(literal string) {
	for _, text := range []string{literal, strings.TrimSpace(literal)} {
		if _, ok := s.instead[text]; !ok && len(text) >= minHidden && !strings.HasPrefix(text, envPrefix) {
			s.set(text, hidden)
		}
	}
}

// addURL hides the credentials of an address, if the text is one and has any.
func (s *secrets) addURL(text string) {
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		return
	}
	end := strings.LastIndexByte(rest, '@')
	if end < 0 {
		return
	}
	s.add(text)
	s.add(rest[:end])
	for part := range strings.SplitSeq(rest[:end], ":") {
		s.add(part)
		if plain, err := url.PathUnescape(part); err == nil {
			s.add(plain)
		}
	}
}

// addGlued hides what stands behind the name of a secret in one text: a space is missing
// after the colon, or the line is one of a shell.
func (s *secrets) addGlued(text string) {
	if len(text) > maxGlued || !strings.ContainsAny(text, ":=") {
		return
	}
	for word := range strings.FieldsSeq(text) {
		i := strings.IndexAny(word, ":=")
		if i > 0 && secretKey(word[:i]) && strings.Trim(word[i+1:], "0123456789") != "" && !strings.HasPrefix(word[i+1:], "//") {
			s.add(word[i+1:])
		}
	}
}

// maxGlued is the longest text in which it is looked for.
const maxGlued = 1000

// addEnv hides the value of an environment variable behind the variable's name, also where
// it stands without the white space around it.
func (s *secrets) addEnv(value, name string) {
	for _, v := range []string{value, strings.TrimSpace(value)} {
		if v != "" {
			s.set(v, envPrefix+name)
		}
	}
}

func (s *secrets) set(literal, instead string) {
	if s.tooMany() {
		return
	}
	if s.instead == nil {
		s.instead = map[string]string{}
	}
	s.instead[literal] = instead
	s.inside = nil
}

// mask returns the text without the secrets in it. Values of variables shorter
// than minHidden are hidden only where they are the whole text.
func (s *secrets) mask(text string) string {
	if len(s.instead) == 0 {
		return text
	}
	if s.names[text] {
		return text
	}
	if instead, ok := s.instead[text]; ok {
		return instead
	}
	s.prepare()
	return s.inside.Replace(text)
}

// prepare readies mask for concurrent use, until the next secret.
func (s *secrets) prepare() {
	if s.inside == nil {
		s.inside = s.replacer()
	}
}

// maxSecrets bounds the memory that masking takes.
const maxSecrets = 100_000

// tooMany reports whether there are more secrets than can be hidden.
func (s *secrets) tooMany() bool { return len(s.instead) > maxSecrets }

// quote returns a text for a message: cut if it is long, without secrets.
func (s *secrets) quote(text string) string {
	if masked := s.mask(text); masked != text {
		return masked
	}
	return strconv.Quote(shorten(text))
}

// common reports whether a literal may be a word, of letters alone: names may hold it without holding
// the secret, so it is hidden only where it is the whole text.
func common(literal string) bool {
	return len(literal) < 16 && !strings.ContainsFunc(literal, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// replacer prefers longer secrets where several begin at the same place.
func (s *secrets) replacer() *strings.Replacer {
	long := make([]string, 0, len(s.instead))
	for literal := range s.instead {
		if len(literal) >= minHidden && !common(literal) {
			long = append(long, literal)
		}
	}
	slices.SortFunc(long, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(long))
	for _, literal := range long {
		pairs = append(pairs, literal, s.instead[literal])
	}
	return strings.NewReplacer(pairs...)
}

// secretParts are parts of the names of keys whose values are secrets,
// secretTables whole names.
var (
	secretParts  = []string{"api_key", "apikey", "token", "secret", "password", "passwd", "credential", "private", "authorization", "connection_string", "database_url"}
	secretTables = []string{"key", "extra_headers", "headers", "default_headers", "environment_variables", "vertex_credentials"}
)

func secretKey(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "_key") || slices.Contains(secretTables, name) ||
		slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(name, part) })
}
