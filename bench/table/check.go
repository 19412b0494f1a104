package table

// Check is something that must simply hold.
type Check struct {
	ID, Name, Goal string
	// Run returns what was found, in a few words, and whether it is as it
	// should be.
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
