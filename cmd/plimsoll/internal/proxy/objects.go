package proxy

import (
	"container/list"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/plimsoll-dev/plimsoll/engine/transport"
)

// kind is a kind of objects that providers keep.
type kind struct {
	path, name string
	api        transport.API // whose paths and lists it has
}

var (
	files          = kind{"/files", "file", transport.OpenAI}
	batches        = kind{"/batches", "batch", transport.OpenAI}
	messageBatches = kind{"/messages/batches", "message batch", transport.Anthropic}
)

const (
	// maxObjects is the largest number of recorded objects; the oldest are removed first.
	maxObjects = 10_000
	// objectLife is how long an object is recorded.
	objectLife = 30 * 24 * time.Hour
	// maxObject is the size in bytes of the longest description of an object.
	maxObject = 64 << 10
)

// object is a file or a batch of either API: the deployment that keeps it, and who made it.
type object struct {
	id, deployment, caller string
	kind                   kind
	made                   time.Time
	text                   json.RawMessage // as last described
}

// objects records the objects that callers have created.
type objects struct {
	mu    sync.Mutex
	byID  map[string]*list.Element // of *object
	order *list.List               // the oldest first
}

// put records an object and replaces an earlier record of it.
func (o *objects) put(it object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byID == nil {
		o.byID, o.order = map[string]*list.Element{}, list.New()
	}
	if e, ok := o.byID[it.id]; ok {
		old := e.Value.(*object)
		if old.caller != it.caller || old.deployment != it.deployment {
			return // two providers use the same ID: the first record stays
		}
		if it.text != nil {
			old.text = it.text
		}
		return
	}
	for o.order.Len() >= maxObjects || o.order.Len() > 0 && time.Since(o.order.Front().Value.(*object).made) > objectLife {
		o.drop(o.order.Front())
	}
	o.byID[it.id] = o.order.PushBack(&it)
}

// drop removes an object. Under the mutex.
func (o *objects) drop(e *list.Element) {
	delete(o.byID, e.Value.(*object).id)
	o.order.Remove(e)
}

// get returns a caller's object.
func (o *objects) get(k kind, id, caller string) (object, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, ok := o.byID[id]
	if !ok {
		return object{}, false
	}
	it := e.Value.(*object)
	if it.kind != k || it.caller != caller || time.Since(it.made) > objectLife {
		return object{}, false
	}
	return *it, true
}

// forget removes an object.
func (o *objects) forget(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e, ok := o.byID[id]; ok {
		o.drop(e)
	}
}

// of returns a caller's objects of a kind, the newest first.
func (o *objects) of(k kind, caller string) []object {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []object
	if o.order == nil {
		return nil
	}
	for e := o.order.Back(); e != nil; e = e.Prev() {
		if it := e.Value.(*object); it.kind == k && it.caller == caller && it.text != nil && time.Since(it.made) <= objectLife {
			out = append(out, *it)
		}
	}
	return out
}

// page is a part of a list, in the form of
// https://platform.openai.com/docs/api-reference/files/list, and without Object in that of
// https://docs.claude.com/en/api/listing-message-batches.
type page struct {
	Object  string            `json:"object,omitempty"`
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
	FirstID *string           `json:"first_id"`
	LastID  *string           `json:"last_id"`
}

// pageOf returns the part of a list behind the object after, or the one that ends
// before another; an id that is not in the list does not restrict it.
func pageOf(all []object, after, before string, limit int) page {
	at := func(id string) int { return slices.IndexFunc(all, func(o object) bool { return o.id == id }) }
	p := page{Data: []json.RawMessage{}}
	if i := at(before); i >= 0 {
		from := max(i-limit, 0)
		p.HasMore, all = from > 0, all[from:i]
	} else {
		all = all[at(after)+1:]
		p.HasMore = len(all) > limit
		all = all[:min(limit, len(all))]
	}
	for i := range all {
		p.Data = append(p.Data, all[i].text)
	}
	if n := len(all); n > 0 {
		p.FirstID, p.LastID = &all[0].id, &all[n-1].id
	}
	return p
}
