package proxy

import (
	"bytes"
	"regexp"
)

// accountNames match the names of an account in providers' errors: keys, whole or
// shortened, organizations and projects.
var accountNames = regexp.MustCompile(`(?i)\b(?:sk|gsk|xai|pplx|csk|fw|hf|ghp|r8|nvapi)[-_][a-z0-9_*-]{6,}|\bAIza[a-zA-Z0-9_-]{10,}|\bBearer +[a-z0-9._~+/*=-]{6,}|\b(?:org|proj|acct|user|workspace|wrkspc)[-_][a-z0-9]{8,}`)

// scrubError overwrites the account's names in an error. The text keeps its length.
func scrubError(text []byte) {
	for _, at := range accountNames.FindAllIndex(text, -1) {
		for i := at[0]; i < at[1]; i++ {
			text[i] = '*'
		}
	}
}

// scrubEvents overwrites the account's names in the events of a stream that are
// errors. In an event of content the quotes of these marks would be escaped.
func scrubEvents(text []byte) {
	if bytes.Contains(text, []byte(`"error"`)) && (bytes.Contains(text, []byte(`"error":{`)) || bytes.Contains(text, []byte(`"error": {`)) || bytes.Contains(text, []byte(`"type":"error"`)) || bytes.Contains(text, []byte(`"type": "error"`))) {
		scrubError(text)
	}
}
