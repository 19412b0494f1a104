package report

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/plimsoll-dev/plimsoll/cmd/plimsoll/internal/lab"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// HTML writes a page with the tables and charts, which needs nothing beside itself.
func HTML(w io.Writer, s *lab.Summary) error {
	parts, err := sections(s, figuresOf(s))
	if err != nil {
		return err
	}
	met := 0
	for _, v := range s.Verdicts {
		if v.Met {
			met++
		}
	}
	return page.Execute(w, map[string]any{
		"Met": met, "Goals": s.Verdicts, "Sections": parts, "Ours": ours(s), "Policies": policies(s), "Without": without(s), "Overall": overall(s),
		"Worlds": len(worldsOf(s)), "Traffic": s.Traffic, "Seeds": s.Seeds, "Runs": len(s.Results),
	})
}
