package bench

import (
	"strings"
	"testing"
)

// TestPlan runs every row a little, and the checks that are quick: the set-ups
// must do what their names say. How rows compare with their goals is not asked
// here.
func TestPlan(t *testing.T) {
	plan := Plan()
	seen := map[string]bool{}
	for _, r := range plan.Rows {
		if seen[r.ID] {
			t.Errorf("two rows %s", r.ID)
		}
		seen[r.ID] = true
		r.Of.Setup()(0, 10)
		r.By.Setup()(0, 10)
	}
	for _, c := range plan.Extra {
		c.Setup()(0, 10)
	}
	for _, c := range plan.Checks {
		if strings.HasPrefix(c.ID, "24") { // millions of picks
			continue
		}
		if found, ok := c.Run(); !ok {
			t.Errorf("%s: %s, want %s", c.Name, found, c.Goal)
		}
	}
}
