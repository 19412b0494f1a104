package bench

import "testing"

// TestPlan runs every row a little and every check: the set-ups must do what
// their names say. How rows compare with their goals is not asked here.
func TestPlan(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Plan().Rows {
		if seen[r.ID] {
			t.Errorf("two rows %s", r.ID)
		}
		seen[r.ID] = true
		r.Of.Setup()(0, 10)
		r.By.Setup()(0, 10)
	}
	for _, c := range Plan().Extra {
		c.Setup()(0, 10)
	}
	for _, c := range Plan().Checks {
		if found, ok := c.Run(); !ok {
			t.Errorf("%s: %s, want %s", c.Name, found, c.Goal)
		}
	}
}
