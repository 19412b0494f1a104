package engine

import (
	"errors"
	"fmt"
	"strconv"
)

// maxProblems is how many problems Validate lists one by one.
const maxProblems = 100

// problems are the problems of a configuration.
type problems struct {
	list []error
	more int // problems beyond maxProblems
}

func (p *problems) addf(format string, args ...any) {
	if len(p.list) == maxProblems {
		p.more++
		return
	}
	p.list = append(p.list, fmt.Errorf("engine: "+format, args...))
}

func (p *problems) err() error {
	if p.more > 0 {
		p.list = append(p.list, fmt.Errorf("engine: and %d more problems", p.more))
	}
	return errors.Join(p.list...)
}

// unique adds a problem if an earlier element of the list has the ID; first has the index of
// the first element with each ID.
func (p *problems) unique(first map[string]int, id string, at place) {
	if j, ok := first[id]; ok {
		p.addf("%s.ID: %q is %s.ID already; IDs must be unique", at, id, place{at.list, j})
		return
	}
	first[id] = at.index
}

// place is an element of a list of the configuration. It becomes text only in a problem.
type place struct {
	list  string
	index int
}

func (p place) String() string { return p.list + "[" + strconv.Itoa(p.index) + "]" }
