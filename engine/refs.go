package engine

// Ref refers to a deployment. It is resolved once by [Engine.Ref], or returned by Pick. It
// is a small value, comparable, and stays valid across Apply. While its
// deployment is not configured, PreCheck refuses, and Record counts in the
// minutes that still run. The zero Ref refers to no deployment.
type Ref struct{ h *handle }

// ID returns the deployment's ID, "" for the zero Ref.
func (r Ref) ID() string { return r.h.name() }

// name returns the ID, "" for none.
func (h *handle) name() string {
	if h == nil {
		return ""
	}
	return h.id
}

// CallerRef refers to a caller. It is resolved once by [Engine.CallerRef]. It is a small value,
// comparable, and stays valid across Apply. While its caller is not configured, demands
// that name it are refused. The zero CallerRef refers to no caller.
type CallerRef struct{ h *handle }

// ID returns the caller's ID, "" for the zero CallerRef.
func (r CallerRef) ID() string { return r.h.name() }
