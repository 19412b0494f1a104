package syncer

import "fmt"

// stranded returns what this node has reserved of a window and not used, at most: it may be
// in the store, and only this node can return it.
func (u *usage) stranded() Count {
	var n [4]int64
	for i, a := range u.accounts {
		if a != nil {
			n[i] = max(a.Reserved()-u.own.list()[i], 0)
		}
	}
	return countFrom(n)
}

// stranding adds to the error of the last exchange what stays reserved because of it.
func (s *Syncer) stranding(err error) error {
	if err == nil {
		return nil
	}
	c := s.Stats().Stranded
	if c == (Count{}) {
		return err
	}
	return fmt.Errorf("syncer: the last exchange failed: until their windows end, at most %d requests and %d tokens (%d of input, %d of output) stay reserved: %w",
		c.Requests, c.Tokens, c.Input, c.Output, err)
}
