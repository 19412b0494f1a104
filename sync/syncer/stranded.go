package syncer

import "fmt"

// stranded returns an upper bound of this node's unused reservations of a window. The store
// may contain them, and only this node can return them.
func (u *usage) stranded() Count {
	var n [4]int64
	for i, a := range u.accounts {
		if a != nil {
			n[i] = max(a.Reserved()-u.own.list()[i], 0)
		}
	}
	return countFrom(n)
}

// stranding adds the reservations that stay in the store to the error of the last exchange.
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
