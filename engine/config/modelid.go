package config

import (
	"crypto/sha256"
	"encoding/hex"
)

// generatedID returns the id LiteLLM gives a deployment that names none: the
// hash of its group and its litellm_params in the order of the file, with
// environment variables in place. The API key is part of it. size is how much
// text it was made of.
func generatedID(group, params *value) (id string, size int, err error) {
	var w writer
	w.str(group)
	for _, p := range params.pairs {
		w.str(p.key)
		w.str(p.value)
	}
	if w.err != nil {
		return "", w.Len(), w.err
	}
	sum := sha256.Sum256([]byte(w.String()))
	return hex.EncodeToString(sum[:]), w.Len(), nil
}
