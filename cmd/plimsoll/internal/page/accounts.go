package page

import (
	"fmt"

	"github.com/plimsoll-dev/plimsoll/sync/syncer"
)

// accountTexts returns how the nodes keep a deployment's limits together: a text for each
// limit that is held by escrow or whose mode is not the configured one.
func accountTexts(accounts []syncer.Account) (texts []string) {
	for i := range accounts {
		a := &accounts[i]
		text := a.Name() + " by " + a.Mode.String()
		switch {
		case a.Mode == syncer.Escrow:
			text += fmt.Sprintf(": %s of %s granted used", grouped(a.Own), grouped(a.Granted))
			if a.Waiting > 0 {
				text += ", " + grouped(a.Waiting) + " waiting"
			}
			if a.Missed+a.Vain > 0 {
				text += fmt.Sprintf(", %s refused at once, %s after a wait", grouped(a.Missed), grouped(a.Vain))
			}
		case a.Reason == "" && a.Configured == syncer.Usage:
			continue
		}
		if a.Reason != "" {
			text += fmt.Sprintf(", not by %v: %s", a.Configured, a.Reason)
		}
		texts = append(texts, text)
	}
	return texts
}
