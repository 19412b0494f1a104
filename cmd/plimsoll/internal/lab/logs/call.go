package logs

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
	"unique"
)

// Call is a request of a client: all attempts that were made for it.
type Call struct {
	Begin      time.Time
	Model      string
	Deployment string // hashed; "" = not logged
	Input      int64  // tokens
	Output     int64
	MaxOutput  int64 // 0 = not logged
	Failed     bool  // it was refused or failed in the end
	Refused    int   // attempts that a provider refused with status 429
	Imputed    bool  // its tokens are not those of the log
	Stated     bool  // an attempt of it has a status
}

// Log is what a file holds.
type Log struct {
	Format  string
	Calls   []Call // by Begin
	Records int    // in the file
	Skipped int    // of them that are no calls of a model
	Retries int    // of them that are attempts of another record's call
	Imputed int    // calls whose tokens were missing, as those of refused calls are
	Copies  int    // of them that repeat another record
	Unknown int    // records without a status

	records []record
}

// record is one attempt.
type record struct {
	begin         time.Time
	model         string
	deployment    string
	key           digested // that attempts of one call share; zero = not logged
	row, parent   digested // of the record, and of the span around it; zero = not logged
	input, output int64
	maxOutput     int64
	status        int // 200, that of the failure, 0 = not logged
}

// hash hides an identifier.
func hash(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:6])
}

// digested is an identifier that is only compared; zero = none.
type digested [8]byte

func digest(id string) (d digested) {
	if id != "" {
		sum := sha256.Sum256([]byte(id))
		copy(d[:], sum[:])
	}
	return d
}

// one returns a copy of a text that equal ones share: records of one model keep one name.
func one(s string) string { return unique.Make(s).Value() }

// retryWithin is how long after an attempt that failed the next one of the same key may
// begin.
const retryWithin = 2 * time.Minute

// distinct sorts the records by time, and drops those that repeat another one, and spans around
// the span of a call, such as a proxy's around its client's.
func (l *Log) distinct() {
	slices.SortStableFunc(l.records, func(a, b record) int { return a.begin.Compare(b.begin) })
	outer, same := map[digested]bool{}, map[record]bool{}
	for _, r := range l.records {
		if r.parent != (digested{}) {
			outer[r.parent] = true
		}
	}
	var begin time.Time
	l.records = slices.DeleteFunc(l.records, func(r record) bool {
		if !r.begin.Equal(begin) {
			begin = r.begin
			clear(same)
		}
		switch {
		case r.row == (digested{}):
			return false
		case same[r]:
			l.Copies++
			return true
		case outer[r.row]:
			l.Skipped++
			return true
		}
		same[r] = true
		return false
	})
}

// calls merges the attempts of each call and imputes missing tokens: those of another
// attempt of the call, else the median of the model's.
func (l *Log) calls() {
	l.distinct()
	open := map[digested]int{} // key to the call whose latest attempt failed
	last := map[digested]time.Time{}
	l.Calls = make([]Call, 0, len(l.records))
	for _, r := range l.records {
		refused, failed := 0, r.status >= 400
		if r.status == 429 {
			refused = 1
		}
		if r.status == 0 {
			l.Unknown++
		}
		if i, ok := open[r.key]; ok && r.key != (digested{}) && r.begin.Sub(last[r.key]) <= retryWithin {
			c := &l.Calls[i]
			c.Refused += refused
			c.Failed = failed
			c.Stated = c.Stated || r.status != 0
			if r.input > 0 {
				c.Input, c.Output, c.MaxOutput = r.input, r.output, max(c.MaxOutput, r.maxOutput)
			}
			if r.deployment != "" && !failed {
				c.Deployment = r.deployment
			}
			l.Retries++
			if last[r.key] = r.begin; !failed {
				delete(open, r.key)
			}
			continue
		}
		l.Calls = append(l.Calls, Call{
			Begin: r.begin, Model: r.model, Deployment: r.deployment, Input: r.input, Output: r.output, MaxOutput: r.maxOutput,
			Failed: failed, Refused: refused, Stated: r.status != 0,
		})
		if failed && r.key != (digested{}) {
			open[r.key], last[r.key] = len(l.Calls)-1, r.begin
		}
	}
	l.records = nil
	l.impute()
}

func (l *Log) impute() {
	inputs, outputs := map[string][]int64{}, map[string][]int64{}
	for _, c := range l.Calls {
		if c.Input > 0 && !c.Failed {
			inputs[c.Model] = append(inputs[c.Model], c.Input)
			outputs[c.Model] = append(outputs[c.Model], c.Output)
		}
	}
	for _, m := range []map[string][]int64{inputs, outputs} {
		for _, list := range m {
			slices.Sort(list)
		}
	}
	for i := range l.Calls {
		c := &l.Calls[i]
		if c.Failed || c.Input == 0 {
			c.Imputed = true
			if c.Input == 0 {
				c.Input = median(inputs[c.Model])
			}
			c.Output = median(outputs[c.Model])
			l.Imputed++
		}
	}
}

// median returns the middle of a sorted list, 1 of an empty one.
func median(list []int64) int64 {
	if len(list) == 0 {
		return 1
	}
	return list[len(list)/2]
}

// Models returns the models of the log, the one with the most calls first.
func (l *Log) Models() []string {
	n := map[string]int{}
	var names []string
	for _, c := range l.Calls {
		if n[c.Model] == 0 {
			names = append(names, c.Model)
		}
		n[c.Model]++
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(n[b]-n[a], cmp.Compare(a, b)) })
	return names
}
