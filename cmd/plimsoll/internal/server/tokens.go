package server

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Tokens are those that may call, by the hashes of their tokens. Tokens are
// random, so that a plain hash does.
type Tokens struct {
	names  []string
	hashes [][sha256.Size]byte
}

// maxTokens bounds what a request costs.
const maxTokens = 1000

const hashPrefix = "sha256:"

// NewToken returns a token and the line that stands for it in a file that
// [ReadTokens] reads.
func NewToken(name string) (token, line string, err error) {
	if !validName(name) {
		return "", "", fmt.Errorf("name %q: want letters, digits and any of \"-_.@\"", name)
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	token = "plm_" + base64.RawURLEncoding.EncodeToString(b[:])
	hash := sha256.Sum256([]byte(token))
	return token, name + " " + hashPrefix + hex.EncodeToString(hash[:]), nil
}

func validName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@", r)
	})
}

// ReadTokens reads a file of tokens: a line for each with its name and its
// SHA-256. Empty lines and those that begin with # say nothing. An error repeats
// nothing of the file.
func ReadTokens(path string) (*Tokens, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t := &Tokens{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		name, hash, _ := strings.Cut(text, " ")
		digits, ok := strings.CutPrefix(strings.TrimSpace(hash), hashPrefix)
		sum, err := hex.DecodeString(digits)
		if !ok || err != nil || len(sum) != sha256.Size || !validName(name) {
			return nil, fmt.Errorf("%s:%d: want a name, a space, sha256: and 64 hexadecimal digits; plimsoll token makes such a line", path, n)
		}
		t.names = append(t.names, name)
		t.hashes = append(t.hashes, [sha256.Size]byte(sum))
	}
	switch {
	case lines.Err() != nil:
		return nil, fmt.Errorf("%s: %w", path, lines.Err())
	case len(t.hashes) == 0:
		return nil, fmt.Errorf("%s: has no token; plimsoll token makes one", path)
	case len(t.hashes) > maxTokens:
		return nil, errors.New(path + ": has more than 1000 tokens")
	}
	return t, nil
}

// name returns whose token it is; "" if it is nobody's. How long that takes does
// not depend on the token.
func (t *Tokens) name(token string) string {
	hash := sha256.Sum256([]byte(token))
	at := -1
	for i := range t.hashes {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], t.hashes[i][:]), i, at)
	}
	if at < 0 {
		return ""
	}
	return t.names[at]
}
