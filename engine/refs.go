package engine

// Ref is a deployment, resolved once with [Engine.Ref] or returned by Pick. It
// is a small value, comparable, and stays valid across Apply. While its
// deployment is not configured, PreCheck refuses and Record counts for the
// minutes that still run.
type Ref struct{ h *handle }

// ID returns the deployment's ID, "" for the zero Ref.
func (r Ref) ID() string {
	if r.h == nil {
		return ""
	}
	return r.h.id
}

// CallerRef is a caller, resolved once with [Engine.CallerRef]. It is a small value,
// comparable, and stays valid across Apply. While its caller is not configured, demands
// that name it are refused. The zero CallerRef is none.
type CallerRef struct{ h *handle }

// ID returns the caller's ID, "" for the zero CallerRef.
func (r CallerRef) ID() string {
	if r.h == nil {
		return ""
	}
	return r.h.id
}
