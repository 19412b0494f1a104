package table

// Check is a condition that must hold.
type Check struct {
	ID, Name, Goal string
	// Run returns a short description of the result, and whether the condition
	// holds.
	Run func() (found string, ok bool)
}

// Outcome is a check that was run.
type Outcome struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Goal  string `json:"goal"`
	Found string `json:"found"`
	OK    bool   `json:"ok"`
}

func (c Check) outcome() Outcome {
	found, ok := c.Run()
	return Outcome{ID: c.ID, Name: c.Name, Goal: c.Goal, Found: found, OK: ok}
}
